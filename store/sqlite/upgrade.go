package sqlite

import (
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// upgrade brings a file of an older format to this release's, in one
// transaction. Its header is brought up to date at once, so that an older
// release refuses the file from here on.
func (l layout) upgrade(conn *sqlite.Conn) error {
	format, err := formatOf(conn)
	if err != nil || format == l.format {
		return err
	}
	steps := l.upgrades[len(l.upgrades)-int(l.format-format):]
	script := strings.Join(steps, "") + fmt.Sprintf("PRAGMA user_version=%d;", l.format)
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		return fmt.Errorf("bring format %d to %d: %w", format, l.format, err)
	}
	return configure(conn, "PRAGMA wal_checkpoint(TRUNCATE)")
}
