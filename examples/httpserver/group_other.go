//go:build !unix

package main

// processGroups is whether there are process groups. There are none here: a tool is
// ended alone, without what it has started.
const processGroups = false
