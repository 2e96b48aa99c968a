package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.execx.dev/execxfix/internal/swap"
)

// writeAll writes all changes or, if one fails, none. It writes each file to a temporary file in
// the same directory first and renames that, so that no file is ever partly written.
func writeAll(changes []swap.Change) (err error) {
	var temps []string
	defer func() {
		for _, name := range temps {
			os.Remove(name)
		}
	}()
	for _, c := range changes {
		name, err := writeTemp(c)
		if name != "" {
			temps = append(temps, name)
		}
		if err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	for i, c := range changes {
		if err := os.Rename(temps[i], c.Name); err != nil {
			return errors.Join(err, revert(changes[:i]))
		}
	}
	return nil
}

// revert undoes changes that were written.
func revert(changes []swap.Change) error {
	var errs []error
	for _, c := range changes {
		c.New = c.Old
		name, err := writeTemp(c)
		if err == nil {
			err = os.Rename(name, c.Name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("not reverted: %w", err))
		}
	}
	return errors.Join(errs...)
}

// writeTemp writes the new content of a file to a temporary file in the same directory.
func writeTemp(c swap.Change) (name string, err error) {
	info, err := os.Stat(c.Name)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(c.Name), ".execxfix-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(c.New)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Close())
	return f.Name(), err
}
