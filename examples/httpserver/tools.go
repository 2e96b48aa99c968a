package main

import (
	"log/slog"

	"go.execx.dev/execx"
)

// tools is what clients may run, and with which arguments.
var tools = map[string][]string{
	"base64":    {"base64"},
	"gunzip":    {"gzip", "-dc"},
	"gzip":      {"gzip", "-c"},
	"sha256sum": {"sha256sum", "-"},
	"sort":      {"sort"},
	"wc":        {"wc"},
}

// installed returns those of the tools that are there, with the paths of the programs: nobody who
// changes PATH later changes what is run.
func installed(log *slog.Logger, tools map[string][]string) map[string][]string {
	found := make(map[string][]string)
	for name, argv := range tools {
		path, err := execx.LookPath(argv[0])
		if err != nil {
			log.Warn("tool not available", "tool", name, "err", err)
			continue
		}
		found[name] = append([]string{path}, argv[1:]...)
	}
	return found
}
