// Package procfs reads information about processes from /proc.
package procfs
