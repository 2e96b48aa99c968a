package execx

import (
	"os"
	"time"
)

// fullGrace is the environment variable by which a test has zombies that were forgotten left
// alone for as long as in a program. It would take most tests a second each.
const fullGrace = "EXECX_TEST_FULL_GRACE"

func init() {
	if os.Getenv(fullGrace) == "" {
		grace = 20 * time.Millisecond
	}
}
