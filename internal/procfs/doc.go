// Package procfs reads what the proc file system of Linux tells of processes.
package procfs
