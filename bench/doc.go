// Package bench has the benchmarks that put execx beside os/exec, and beside a C program that does
// no more than it must. See the README.
package bench
