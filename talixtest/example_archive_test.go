package talixtest_test

import (
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

// Folder is what the events of one folder add up to.
type Folder struct {
	Pages    int
	Archived bool
}

// PageAdded adds a page.
type PageAdded struct{}

// Apply counts it.
func (PageAdded) Apply(f *Folder, _ talix.Meta) { f.Pages++ }

// FolderArchived puts a folder away.
type FolderArchived struct{}

// Apply notes it.
func (FolderArchived) Apply(f *Folder, _ talix.Meta) { f.Archived = true }

// FolderRestored brings a folder back.
type FolderRestored struct{}

// Apply notes it.
func (FolderRestored) Apply(f *Folder, _ talix.Meta) { f.Archived = false }

// unlessArchived makes a command's handler one that an archived folder refuses.
func unlessArchived[In, Out any](handler func(talix.CommandContext[Folder], In) (Out, error)) func(talix.CommandContext[Folder], In) (Out, error) {
	return func(c talix.CommandContext[Folder], in In) (Out, error) {
		if c.State().Archived {
			var none Out
			return none, talix.Reject("folder %s is archived: restore it first", c.ID())
		}
		return handler(c, in)
	}
}

// An archive is an end that can be taken back: the state tells, commands refuse
// but for the one that restores, and all stays readable.
func Example_archive() {
	folders := talix.NewEntity("folder",
		talix.Event[PageAdded]("FOLDERS:PAGE_ADDED"), talix.Event[FolderArchived]("FOLDERS:ARCHIVED"), talix.Event[FolderRestored]("FOLDERS:RESTORED"))
	add := talix.NewCommand(folders, "add-page", unlessArchived(func(c talix.CommandContext[Folder], _ struct{}) (int, error) {
		c.Emit(PageAdded{})
		return c.State().Pages, nil
	}))
	archive := talix.NewCommand(folders, "archive", unlessArchived(func(c talix.CommandContext[Folder], _ struct{}) (int, error) {
		c.Emit(FolderArchived{})
		return c.State().Pages, nil
	}))
	restore := talix.NewCommand(folders, "restore", func(c talix.CommandContext[Folder], _ struct{}) (int, error) {
		if c.State().Archived {
			c.Emit(FolderRestored{})
		}
		return c.State().Pages, nil
	})
	t := &printer{} // a test has its *testing.T
	defer t.end()
	rt := talixtest.Start(t, folders, add, archive, restore)
	for _, command := range []*talix.Command[struct{}, int]{add, archive, add, restore, add} {
		pages, err := talixtest.Run(rt, command, "taxes", struct{}{})
		fmt.Println(pages, err)
	}
	// Output:
	// 1 <nil>
	// 1 <nil>
	// 0 rejected: folder taxes is archived: restore it first
	// 1 <nil>
	// 2 <nil>
}
