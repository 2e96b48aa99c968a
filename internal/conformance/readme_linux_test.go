package conformance

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each difference from os/exec that the README lists names the tests that show it.
func TestReadme(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(readme), "\n## What differs from os/exec\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")

	exists := testsBelow(t, root)
	test := regexp.MustCompile("^`(Test[A-Za-z0-9]+)`$")
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasSuffix(line, "| test |\n") {
			continue
		}
		rows++
		require.Len(t, cells, 4, line)
		for name := range strings.SplitSeq(cells[3], ",") {
			match := test.FindStringSubmatch(strings.TrimSpace(name))
			if assert.NotNil(t, match, "%q is no test: %s", name, line) {
				assert.True(t, exists[match[1]], "there is no %s: %s", match[1], line)
			}
		}
	}
	assert.NotZero(t, rows)
}

// docs/design.md names no file and nothing in the code that is gone.
func TestDesign(t *testing.T) {
	root := filepath.Join("..", "..")
	design, err := os.ReadFile(filepath.Join(root, "docs", "design.md"))
	require.NoError(t, err)
	var src []byte
	for _, folder := range []string{"execx", "internal", "."} {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		require.NoError(t, err)
		below, err := filepath.Glob(filepath.Join(root, folder, "*", "*.go"))
		require.NoError(t, err)
		for _, file := range append(files, below...) {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			src = append(append(src, file...), b...)
		}
	}
	for _, match := range regexp.MustCompile("`([^`\n]+)`").FindAllSubmatch(design, -1) {
		assert.True(t, bytes.Contains(src, match[1]), "%s is gone", match[1])
	}
}

// testsBelow returns the names of all tests in the folder.
func testsBelow(t *testing.T, folder string) map[string]bool {
	declaration := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	tests := make(map[string]bool)
	require.NoError(t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := os.ReadFile(name)
		for _, match := range declaration.FindAllSubmatch(src, -1) {
			tests[string(match[1])] = true
		}
		return err
	}))
	return tests
}
