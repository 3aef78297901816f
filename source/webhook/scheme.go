package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Scheme is how a sender signs its requests, and names their deliveries.
type Scheme struct {
	// Verify returns nil if the request was signed with the secret, and the
	// time that was signed with it, or zero if the scheme signs none. It
	// compares in constant time. It is called for each secret until one fits,
	// from many goroutines at once.
	Verify func(header http.Header, body []byte, secret string) (signed time.Time, err error)
	// ID is what names a delivery, the same whenever it is sent again.
	ID ID
}

// ErrSignature: the request was not signed with a secret that is known here.
var ErrSignature = errors.New("the signature is missing or wrong")

// GitHub is the scheme of GitHub: X-Hub-Signature-256 has the SHA-256 HMAC of
// the body, as in "sha256=8d9a…". Deliveries are named by X-GitHub-Delivery. It
// signs neither that name nor a time, so whoever reads a request on its way can
// send it again as another delivery: use https.
func GitHub() Scheme {
	return Scheme{Verify: SHA256("X-Hub-Signature-256", "sha256="), ID: Header("X-GitHub-Delivery")}
}

// Stripe is the scheme of Stripe: Stripe-Signature has the time in seconds and
// the SHA-256 HMAC of the time, a dot and the body, as in "t=1700000000,v1=8d9a…".
// Deliveries are named by the body's "id".
func Stripe() Scheme { return Scheme{Verify: TimedSHA256("Stripe-Signature"), ID: JSON("id")} }

// Standard is the scheme of standardwebhooks.com, which Svix, Clerk, Resend and
// others use: webhook-signature has the Base64 of the SHA-256 HMAC of id, time
// and body, with a secret such as "whsec_MfKQ…".
func Standard() Scheme { return Scheme{Verify: verifyStandard, ID: Header("Webhook-Id")} }

// SHA256 verifies a header that has the SHA-256 HMAC of the body in
// hexadecimal, after a prefix.
func SHA256(header, prefix string) func(http.Header, []byte, string) (time.Time, error) {
	return func(h http.Header, body []byte, secret string) (time.Time, error) {
		for _, value := range h.Values(header) {
			sum, ok := strings.CutPrefix(value, prefix)
			if ok && equalHex(sum, mac(secret, body)) {
				return time.Time{}, nil
			}
		}
		return time.Time{}, ErrSignature
	}
}

// TimedSHA256 verifies a header as Stripe sends it: "t=", a time in seconds,
// ",v1=" and the SHA-256 HMAC in hexadecimal of the time, a dot and the body. It
// may have several v1.
func TimedSHA256(header string) func(http.Header, []byte, string) (time.Time, error) {
	return func(h http.Header, body []byte, secret string) (time.Time, error) {
		stamp, sums := "", []string{}
		for part := range strings.SplitSeq(h.Get(header), ",") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
			case "t":
				stamp = value
			case "v1":
				sums = append(sums, value)
			}
		}
		want := mac(secret, []byte(stamp), []byte("."), body)
		for _, sum := range sums {
			if equalHex(sum, want) {
				return seconds(stamp)
			}
		}
		return time.Time{}, ErrSignature
	}
}

func verifyStandard(h http.Header, body []byte, secret string) (time.Time, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read secret: it must be Base64: %w", ErrSignature)
	}
	stamp := h.Get("Webhook-Timestamp")
	want := mac(string(key), []byte(h.Get("Webhook-Id")+"."+stamp+"."), body)
	for signature := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
		sum, ok := strings.CutPrefix(signature, "v1,")
		got, err := base64.StdEncoding.DecodeString(sum)
		if ok && err == nil && hmac.Equal(got, want) {
			return seconds(stamp)
		}
	}
	return time.Time{}, ErrSignature
}

func mac(secret string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		m.Write(part)
	}
	return m.Sum(nil)
}

func equalHex(sum string, want []byte) bool {
	got, err := hex.DecodeString(sum)
	return err == nil && hmac.Equal(got, want)
}

// seconds reads a signed time. One that is none is as good as no signature.
func seconds(stamp string) (time.Time, error) {
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || n <= 0 || n > 1<<40 {
		return time.Time{}, ErrSignature
	}
	return time.Unix(n, 0).UTC(), nil
}
