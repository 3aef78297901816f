// Site makes a static site of the documentation.
//
//	go -C tools run ./site --out /tmp/talix-site
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/talix-dev/talix/tools/internal/book"
)

func main() {
	root := flag.String("root", "..", "`folder` of the repository")
	out := flag.String("out", "", "`folder` to write to; it is made, and what it has is kept")
	flag.Parse()
	if *out == "" {
		fmt.Fprintln(os.Stderr, "site: say where to write to by --out")
		os.Exit(2)
	}
	if err := book.Write(*root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Println("written to", *out+"/index.html")
}
