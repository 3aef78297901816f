package fetch

import (
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxName = 120

func fileName(r *http.Response, mediaType string) string {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
	if err == nil {
		if name := cleanName(params["filename"]); name != "" {
			return name
		}
	}
	if name := cleanName(path.Base(r.Request.URL.Path)); name != "" {
		return name
	}
	return "document" + extension(mediaType)
}

// cleanName makes one path element of a stranger's name: without folders,
// control and formatting characters, and of bounded length.
func cleanName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(keepPrintable, strings.ToValidUTF8(name, ""))
	name = strings.Join(strings.Fields(name), " ")
	return shorten(strings.Trim(name, ". "))
}

func keepPrintable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case !unicode.IsGraphic(r) || strings.ContainsRune(`<>:"|?*`, r):
		return -1
	}
	return r
}

// shorten keeps the end of the name if it looks like an extension.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 10 {
		ext = ""
	}
	cut := maxName - len(ext)
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.TrimRight(name[:cut], ". ") + ext
}

func extension(mediaType string) string {
	switch mediaType {
	case "application/pdf":
		return ".pdf"
	case "text/html":
		return ".html"
	case "text/plain":
		return ".txt"
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	}
	return ""
}
