// Package bench contains benchmarks that compare execx with os/exec and with a minimal C program.
// See the README.
package bench
