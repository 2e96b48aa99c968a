//go:build unix

package main

// processGroups is whether there are process groups.
const processGroups = true
