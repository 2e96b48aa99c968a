//go:build !linux

package main

import "errors"

func run(options) (status int, err error) { return exitFailed, errors.New("needs Linux") }
