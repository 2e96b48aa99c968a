// Package conformance has no code, only tests that replacing os/exec by execx is
// safe:
//
//   - that the tests of os/exec itself, taken from the Go installation at hand,
//     pass on execx wherever they pass on os/exec;
//   - that go vet finds a [go.execx.dev/execx.Cmd] that is copied;
//   - that what MIGRATING.md says may surprise is so;
//   - that each difference in README.md has a test, and what docs/design.md names exists.
package conformance
