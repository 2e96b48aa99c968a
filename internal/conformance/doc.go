// Package conformance consists of tests only. They check that replacing os/exec by execx is safe:
//
//   - The tests of os/exec itself, from the installed version of Go, pass with execx wherever they
//     pass with os/exec.
//   - go vet reports copies of a [go.execx.dev/execx.Cmd].
//   - The differences that MIGRATING.md describes are as described.
//   - Each difference listed in README.md has a test, and the names in docs/design.md exist.
package conformance
