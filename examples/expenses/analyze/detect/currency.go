package detect

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// codes are the codes of ISO 4217.
var codes = strings.Fields(`AED AFN AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
	CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
	HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
	MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
	SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV
	WST XAF XCD XOF XPF YER ZAR ZMW ZWG ALL TOP`)

// IsCurrency says whether a code is one of ISO 4217.
func IsCurrency(code string) bool { return slices.Contains(codes, code) }

// isMark leaves out the codes that are words in capital letters.
func isMark(code string) bool { return code != "ALL" && code != "TOP" && IsCurrency(code) }

// Signs that several currencies share. The document decides.
const (
	dollar = "$"
	krone  = "kr"
	yen    = "¥"
	rupee  = "Rs"
	peso   = "peso"
)

// sign is a way to write a currency other than by its code. Longer ones stand
// before those that they end or begin with.
type sign struct {
	text, currency string
}

var signs = []sign{
	{"US$", "USD"}, {"USD$", "USD"}, {"U$S", "USD"}, {"CA$", "CAD"}, {"C$", "CAD"}, {"CAN$", "CAD"}, {"AU$", "AUD"}, {"A$", "AUD"},
	{"NZ$", "NZD"}, {"HK$", "HKD"}, {"S$", "SGD"}, {"NT$", "TWD"}, {"MX$", "MXN"}, {"R$", "BRL"}, {"$", dollar},
	{"EUROS", "EUR"}, {"EURO", "EUR"}, {"Euros", "EUR"}, {"Euro", "EUR"}, {"euros", "EUR"}, {"euro", "EUR"}, {"Eur", "EUR"}, {"eur", "EUR"}, {"€", "EUR"},
	{"SFr.", "CHF"}, {"sFr.", "CHF"}, {"SFR", "CHF"}, {"Fr.", "CHF"}, {"Fr", "CHF"}, {"chf", "CHF"},
	{"£", "GBP"}, {"gbp", "GBP"}, {"usd", "USD"}, {"RMB", "CNY"}, {"¥", yen}, {"円", "JPY"}, {"元", "CNY"}, {"yen", "JPY"},
	{"kr.", krone}, {"kr", krone}, {"Kr", krone}, {"KR", krone}, {"zł", "PLN"}, {"zl", "PLN"}, {"Kč", "CZK"}, {"Ft", "HUF"},
	{"₹", "INR"}, {"Rs.", rupee}, {"Rs", rupee}, {"₺", "TRY"}, {"TL", "TRY"}, {"₽", "RUB"}, {"руб.", "RUB"}, {"₩", "KRW"}, {"원", "KRW"},
	{"฿", "THB"}, {"₪", "ILS"}, {"₴", "UAH"}, {"₫", "VND"}, {"đ", "VND"}, {"₱", "PHP"}, {"lei", "RON"}, {"лв.", "BGN"}, {"лв", "BGN"},
	{"RM", "MYR"}, {"Rp", "IDR"}, {"₦", "NGN"}, {"₸", "KZT"}, {"₡", "CRC"}, {"S/", "PEN"}, {"pesos", peso},
}

// currencyBefore finds a currency that ends a text, and what is before it.
func currencyBefore(text string) (currency, rest string) {
	text = strings.TrimRight(text, " \t")
	for _, s := range signs {
		if rest, ok := strings.CutSuffix(text, s.text); ok && !joins(rest, s.text, false) {
			return s.currency, rest
		}
	}
	if n := len(text) - 3; n >= 0 && isMark(text[n:]) && !joins(text[:n], text[n:], false) {
		return text[n:], text[:n]
	}
	return "", text
}

// currencyAfter finds a currency that begins a text, and how long it is.
func currencyAfter(text string) (currency string, length int) {
	trimmed := strings.TrimLeft(text, " \t")
	skipped := len(text) - len(trimmed)
	for _, s := range signs {
		if rest, ok := strings.CutPrefix(trimmed, s.text); ok && !joins(rest, s.text, true) {
			return s.currency, skipped + len(s.text)
		}
	}
	if len(trimmed) >= 3 && isMark(trimmed[:3]) && !joins(trimmed[3:], trimmed[:3], true) {
		return trimmed[:3], skipped + 3
	}
	return "", 0
}

// joins: a sign that is made of letters goes on in the text around it, so
// that it is a part of a word.
func joins(around, text string, behind bool) bool {
	var next, edge rune
	if behind {
		next, _ = utf8.DecodeRuneInString(around)
		edge, _ = utf8.DecodeLastRuneInString(text)
	} else {
		next, _ = utf8.DecodeLastRuneInString(around)
		edge, _ = utf8.DecodeRuneInString(text)
	}
	return around != "" && unicode.IsLetter(edge) && unicode.IsLetter(next) && !unicode.In(edge, unicode.Han, unicode.Hangul)
}
