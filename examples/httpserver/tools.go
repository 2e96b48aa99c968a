package main

import (
	"log/slog"

	"go.execx.dev/execx"
)

// tools maps the names that clients use to the command lines that they may run.
var tools = map[string][]string{
	"base64":    {"base64"},
	"gunzip":    {"gzip", "-dc"},
	"gzip":      {"gzip", "-c"},
	"sha256sum": {"sha256sum", "-"},
	"sort":      {"sort"},
	"wc":        {"wc"},
}

// installed returns the tools that are installed, with the absolute paths of their programs, so
// that a later change of PATH has no effect.
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
