package book

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// home is where what is no page is looked at.
const home = "https://github.com/talix-dev/talix/"

// link is what a link or image of a page becomes in the site: pages and images
// lead to their copies, anything else of the repository to where it is hosted.
func (b *Book) link(p *Page, to []byte, image bool) ([]byte, error) {
	target, anchor, anchored := strings.Cut(string(to), "#")
	if strings.Contains(target, ":") && !image || target == "" {
		return to, nil
	}
	if anchored {
		anchor = "#" + anchor
	}
	source := path.Join(path.Dir(p.Source), target)
	info, err := os.Stat(filepath.Join(b.root, filepath.FromSlash(source)))
	switch {
	case err != nil:
		return nil, errors.New(string(to) + " leads to no file of the repository")
	case image:
		p.images = append(p.images, source)
		return []byte(relative(p.Out, source)), nil
	case b.pages[source] != nil:
		return []byte(relative(p.Out, b.pages[source].Out) + anchor), nil
	case info.IsDir():
		return []byte(home + "tree/main/" + source + anchor), nil
	}
	return []byte(home + "blob/main/" + source + anchor), nil
}

// relative is how one file of the site names another.
func relative(from, to string) string {
	r, err := filepath.Rel(path.Dir(from), to)
	if err != nil {
		panic(err) // both are below the site's root
	}
	return filepath.ToSlash(r)
}
