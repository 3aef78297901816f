package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // for the size of a picture
	_ "image/png"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// languages are asked for where tesseract has them.
var languages = []string{"eng", "deu", "fra", "spa", "ita", "nld", "por"}

func (r *Reader) fromPicture(ctx context.Context, data []byte) (string, error) {
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrUnreadable, err)
	case size.Width <= 0 || size.Height <= 0 || size.Width > r.config.MaxPixels/size.Height:
		return "", fmt.Errorf("%w: the picture has %d × %d pixels, at most %d in all are read", ErrUnreadable, size.Width, size.Height, r.config.MaxPixels)
	}
	program, err := exec.LookPath(r.config.Tesseract)
	if err != nil {
		return "", ErrNeedsOCR
	}
	// Block 6: one block of text, so that a row stays a line.
	text, err := r.run(ctx, program, data, "stdin", "stdout", "-l", r.languages(ctx, program), "--psm", "6")
	if err != nil {
		return "", err
	}
	return text, nil
}

func (r *Reader) languages(ctx context.Context, program string) string {
	installed, err := r.run(ctx, program, nil, "--list-langs")
	if err != nil {
		return "eng"
	}
	have := slices.DeleteFunc(slices.Clone(languages), func(l string) bool {
		return !slices.Contains(strings.Fields(installed), l)
	})
	if len(have) == 0 {
		return "eng"
	}
	return strings.Join(have, "+")
}

// run gives what the program writes. It is killed when ctx ends.
func (r *Reader) run(ctx context.Context, program string, in []byte, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program is the operator's
	command.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	command.Stdin = bytes.NewReader(in)
	command.WaitDelay = time.Second
	out, problems := &bounded{left: 4 * r.config.MaxText}, &bounded{left: 1000}
	command.Stdout, command.Stderr = out, problems
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("%w: tesseract ended with %d: %s", ErrUnreadable, exit.ExitCode(), strings.TrimSpace(problems.String()))
	}
	if err != nil {
		return "", fmt.Errorf("run tesseract: %w", err)
	}
	return out.String(), nil
}

// bounded keeps the first bytes that are written and takes the rest.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.Buffer.Write(p[:n])
	return len(p), nil
}
