package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/vault"
)

// Box seals and opens documents with the keys of a vault. Its methods may be
// called from many goroutines.
type Box struct {
	vault vault.Vault
	salt  [32]byte
	most  int

	mu    sync.Mutex
	keys  map[vault.Name]cipher.AEAD // nil: the subject was erased
	epoch uint64                     // how often something was forgotten
	plans map[reflect.Type]*Plan     // nil: nothing personal
}

// New makes a Box that remembers up to most keys; zero: 4,096.
func New(v vault.Vault, most int) *Box {
	if most <= 0 {
		most = 4096
	}
	return &Box{vault: v, salt: v.Salt(), most: most, keys: map[vault.Name]cipher.AEAD{}, plans: map[reflect.Type]*Plan{}}
}

// Name is the name of a subject.
func (b *Box) Name(subject string) vault.Name { return vault.NameOf(b.salt, subject) }

// Digest stands for a text without telling it: the same for equal texts, and not
// to be found out by who does not have the vault. It is not forgotten when a
// subject is erased.
func (b *Box) Digest(text string) string {
	h := hmac.New(sha256.New, b.salt[:])
	h.Write([]byte("digest\x00" + text))
	return hex.EncodeToString(h.Sum(nil))
}

// Forget drops what is known of subjects. It is called when they were erased:
// their keys are never used again by calls that begin after it.
func (b *Box) Forget(names ...vault.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch++
	for _, n := range names {
		delete(b.keys, n)
	}
}

// Errors of documents that can't be opened.
var (
	errKey  = errors.New("the vault has no key for it, and it was not erased: this is not the vault that it was sealed with; put the right keys back")
	errOpen = errors.New("it does not fit its key: it is damaged, was moved from elsewhere, or sealed with another vault")
)

// erased is the error of who writes of an erased subject.
func erased(name vault.Name) error {
	return &registry.Fault{
		Code: registry.Rejected, Status: 410, Final: true,
		Message: "the personal data of this subject was erased: nothing personal can be stored of it any more",
		Cause:   fmt.Errorf("subject %s: %w", name, vault.ErrErased),
	}
}

// away is the error of who needs a key that can't be had.
func away(err error) error {
	return registry.Faultf(registry.Unavailable, "the keys of personal data cannot be reached at the moment; try again later").Because(err)
}

// fetch finds the keys of subjects, or makes them; nil for those erased.
func (b *Box) fetch(ctx context.Context, names []vault.Name, get func(context.Context, []vault.Name) ([]vault.Key, error)) (map[vault.Name]cipher.AEAD, error) {
	have := make(map[vault.Name]cipher.AEAD, len(names))
	missing, epoch := b.known(names, have)
	if len(missing) == 0 {
		return have, nil
	}
	keys, err := get(ctx, missing)
	if err != nil {
		return nil, away(err)
	}
	for i, name := range missing {
		switch keys[i].State {
		case vault.Present:
			if have[name], err = aead(keys[i].Secret); err != nil {
				return nil, err
			}
		case vault.Erased:
			have[name] = nil
		default:
			return nil, fmt.Errorf("find key of subject %s: %w", name, errKey)
		}
	}
	b.remember(missing, have, epoch)
	return have, nil
}

// known is what is remembered, and the names that are not.
func (b *Box) known(names []vault.Name, have map[vault.Name]cipher.AEAD) (missing []vault.Name, epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range names {
		if _, ok := have[n]; ok {
			continue
		}
		key, ok := b.keys[n]
		have[n] = key
		if !ok {
			missing = append(missing, n)
		}
	}
	return missing, b.epoch
}

// remember keeps keys, unless something was forgotten since they were asked for:
// they may be those of an erased subject.
func (b *Box) remember(names []vault.Name, have map[vault.Name]cipher.AEAD, epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch != epoch {
		return
	}
	for _, n := range names {
		for other := range b.keys {
			if len(b.keys) < b.most {
				break
			}
			delete(b.keys, other)
		}
		b.keys[n] = have[n]
	}
}

func aead(secret [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Doc is a document, and where it belongs: one that was moved elsewhere is not
// opened.
type Doc struct {
	Data  []byte
	Bound string
	// For Seal: the plan of its type, nil if nothing is personal, and the
	// subject where the document does not tell it.
	Plan *Plan
	Of   string
	// Redact puts null in the place of values of erased subjects, instead of
	// failing.
	Redact bool
}

// draft is a document that is being sealed.
type draft struct {
	*Doc
	spans []span
	names []vault.Name
	err   error
}

// SealAll seals documents, and replaces the Data of those that are not stored as
// they are. There is one error, or nil, for each document.
func (b *Box) SealAll(ctx context.Context, docs []*Doc) []error {
	drafts, names := make([]draft, len(docs)), []vault.Name(nil)
	for i, d := range docs {
		drafts[i] = b.draft(d)
		names = append(names, drafts[i].names...)
	}
	keys, err := b.fetch(ctx, names, b.vault.Make)
	errs := make([]error, len(docs))
	for i := range drafts {
		d := &drafts[i]
		errs[i] = d.err
		switch {
		case d.err != nil:
		case len(d.spans) == 0:
			if suspect(d.Data) {
				d.Data = escape(nil, d.Data)
			}
		case err != nil:
			errs[i] = err
		default:
			errs[i] = d.seal(keys)
		}
	}
	return errs
}

func (b *Box) draft(doc *Doc) draft {
	d := draft{Doc: doc}
	if doc.Plan == nil {
		return d
	}
	if d.spans, d.err = doc.Plan.spans(doc.Data, doc.Of); d.err != nil {
		return d
	}
	for _, s := range d.spans {
		d.names = append(d.names, b.Name(s.subject))
	}
	return d
}

func (d *draft) seal(keys map[vault.Name]cipher.AEAD) error {
	out, at := make([]byte, 0, len(d.Data)+len(d.spans)*128), 0
	for i, s := range d.spans {
		key := keys[d.names[i]]
		out = escape(out, d.Data[at:s.from])
		at = s.to
		switch {
		case key != nil:
			out = appendSealed(out, d.names[i], encrypt(key, d.Data[s.from:s.to], d.Bound))
		case d.Redact:
			out = append(out, "null"...)
		default:
			return erased(d.names[i])
		}
	}
	d.Data = escape(out, d.Data[at:])
	return nil
}

// encrypt is a nonce made at random, and the ciphertext.
func encrypt(key cipher.AEAD, plain []byte, bound string) []byte {
	nonce := make([]byte, key.NonceSize())
	rand.Read(nonce) // never fails
	return key.Seal(nonce, nonce, plain, []byte(bound))
}

// Seal seals one document.
func (b *Box) Seal(ctx context.Context, d Doc) ([]byte, error) {
	err := b.SealAll(ctx, []*Doc{&d})[0]
	return d.Data, err
}

// Open opens a document.
func (b *Box) Open(ctx context.Context, data []byte, bound string) ([]byte, error) {
	d := Doc{Data: data, Bound: bound}
	err := b.OpenAll(ctx, []*Doc{&d})
	return d.Data, err
}

// OpenAll opens documents. Values of erased subjects come back as null.
func (b *Box) OpenAll(ctx context.Context, docs []*Doc) error {
	var names []vault.Name
	found := make([][]sealed, len(docs))
	for i, d := range docs {
		if !suspect(d.Data) {
			continue
		}
		found[i] = sealedIn(d.Data)
		for _, s := range found[i] {
			names = append(names, s.name)
		}
	}
	keys, err := b.fetch(ctx, names, b.vault.Find)
	if err != nil {
		return err
	}
	for i, d := range docs {
		if !suspect(d.Data) {
			continue
		}
		if err := d.open(found[i], keys); err != nil {
			return err
		}
	}
	return nil
}

func (d *Doc) open(found []sealed, keys map[vault.Name]cipher.AEAD) error {
	out, at := make([]byte, 0, len(d.Data)), 0
	for _, s := range found {
		out = unescape(out, d.Data[at:s.from])
		at = s.to
		key := keys[s.name]
		if key == nil {
			out = append(out, "null"...)
			continue
		}
		var err error
		if out, err = s.decrypt(out, key, d.Bound); err != nil {
			return err
		}
	}
	d.Data = unescape(out, d.Data[at:])
	return nil
}

func (s *sealed) decrypt(out []byte, key cipher.AEAD, bound string) ([]byte, error) {
	if len(s.box) >= key.NonceSize() {
		plain, err := key.Open(out, s.box[:key.NonceSize()], s.box[key.NonceSize():], []byte(bound))
		if err == nil {
			return plain, nil
		}
	}
	return nil, fmt.Errorf("open value of subject %s: %w", s.name, errOpen)
}
