package execx

import (
	"os"
	"sync"
)

// nullReader and nullWriter are the null device, for a nil Stdin, and for a nil
// Stdout or Stderr. os/exec opens it for each of the three of each process, and
// closes it again, in a third of the system calls that a Start takes.
//
// They are two because a process can tell: it cannot write to a nil Stdin.
var (
	nullReader = sharedFile{name: os.DevNull, flag: os.O_RDONLY}
	nullWriter = sharedFile{name: os.DevNull, flag: os.O_WRONLY}
)

// A sharedFile is opened on first use, and stays open.
type sharedFile struct {
	name string
	flag int

	mu   sync.Mutex
	file *os.File // nil until it could be opened
}

func (f *sharedFile) open() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		file, err := os.OpenFile(f.name, f.flag, 0)
		if err != nil {
			return nil, err
		}
		f.file = file
	}
	return f.file, nil
}
