package detect_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze/detect"
)

var (
	exact = regexp.MustCompile(`^-?(0|[1-9]\d{0,11})(\.\d{1,3})?$`)
	code  = regexp.MustCompile(`^[A-Z]{3}$`)
)

func check(t *testing.T, text string) {
	t.Helper()
	r := detect.Detect(text, detect.Options{})
	if r.Reason == "" || !utf8.ValidString(r.Vendor) || !utf8.ValidString(r.Reason) {
		t.Errorf("%+v", r)
	}
	if r.IsExpense && (!exact.MatchString(r.Amount) || !code.MatchString(r.Currency) || !detect.IsCurrency(r.Currency)) {
		t.Errorf("%+v", r)
	}
	if _, err := time.Parse(time.DateOnly, r.Date); err != nil && r.Date != "" {
		t.Errorf("date of %+v", r)
	}
	if !r.IsExpense && r != (detect.Result{Reason: r.Reason}) {
		t.Errorf("no expense, and yet %+v", r)
	}
	if again := detect.Detect(text, detect.Options{}); again != r {
		t.Errorf("%+v, then %+v", r, again)
	}
}

// No text may take long: the limit is far above what any needs.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	long(t)
	for _, piece := range []string{
		"1", "1 ", "1.1", "1,", "1 234 ", "€", "$1 ", "EUR ", "Total ", "total 1 ", "\t", "a\tb ", "01.01.2025 ", "1-", "(((", "' ", "年月日", "\n", "1\n", "Total 1.00\n",
		"Total 1.00 EUR\n14.03.2025\nInvoice\n", "from:\n", "bill to\n", "\xff", "Subtotal 1.00\nTax 1.00\nTip 1.00\nTotal 3.00\n", "a.b,c;d:e ", "GmbH, ", " - ", "·",
	} {
		start := time.Now()
		check(t, "Invoice\n"+strings.Repeat(piece, 32<<10/len(piece)))
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%q took %v", piece, took)
		}
	}
}

func FuzzDetect(f *testing.F) {
	for _, seed := range []string{
		"", "Invoice\nAcme Ltd\nTotal £12.00\n14/03/2025", "RECHNUNG\nSumme 1.234,56 €\nMwSt 19% 3,00", "Total 12.- CHF\nDatum 1. März 2025",
		"Receipt\n合計 ¥1,200\n2025年3月14日", "credit note\ntotal (12.00) kr", "Facture\nNet à payer : 1 234,50 €\nDu 1er mai 2025", "a\tb\tTotal\n1\t2\t$3.00-",
	} {
		f.Add(seed)
	}
	f.Fuzz(check)
}

func TestShortTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Invoice #123\nAcme Corp\nDate: 2025-03-14\nTotal: $11.55":                                                   "Acme Corp|11.55|USD|2025-03-14",
		"Vendor: Acme Ltd\nDate: 14/03/2025\nAmount: 11.55 EUR\nInvoice":                                             "Acme Ltd|11.55|EUR|2025-03-14",
		"Café Central\n14.03.2025 09:12\nMelange 4,90\nStrudel 6,65\nSumme EUR 11,55":                                "Café Central|11.55|EUR|2025-03-14",
		"INVOICE\nFrom: Blue Sky Ltd\nTo: John Smith\nInvoice Date: March 14, 2025\nTotal Due: USD 1,234.56":         "Blue Sky Ltd|1234.56|USD|2025-03-14",
		"Invoice\nSeller:\nBright Lamps Oy\nBuyer:\nJohn\nDate\n2025-03-14\nTotal\n120.00 EUR":                       "Bright Lamps Oy|120.00|EUR|2025-03-14",
		"Taxi receipt\nCity Cabs\n14 March 2025\nFare £11.55":                                                        "City Cabs|11.55|GBP|2025-03-14",
		"Migros\nTotal CHF 23.40\n14.03.2025":                                                                        "Migros|23.40|CHF|2025-03-14",
		"Payment confirmation\nMerchant: Book Nook\nThank you for your purchase!\nAmount paid: $24.99\nMar 14, 2025": "Book Nook|24.99|USD|2025-03-14",
		"Corner Deli\nLatte 5.45\nTotal 5.45\nVisa 5.45\n03/14/2025 08:15 AM":                                        "Corner Deli|5.45|USD|2025-03-14",
		"Ristorante Da Gino\nScontrino\n14/03/2025\nTOTALE EURO 45,50\nCONTANTI 50,00\nRESTO 4,50":                   "Ristorante Da Gino|45.50|EUR|2025-03-14",
		"Kvitto\nMatboden\n2025-03-14\nATT BETALA 249,50 kr\nMoms 12% 26,73":                                         "Matboden|249.50|SEK|2025-03-14",
		"株式会社さくら\n領収書\n2025年3月14日\n合計 1,200円":                                                                        "株式会社さくら|1200|JPY|2025-03-14",
		"Receipt\nFalcon Trading\nKuwait\n2025-03-14\nTotal KWD 1.250":                                               "Falcon Trading|1.250|KWD|2025-03-14",
		"Mercado Uno\nRecibo\nFecha 03/04/2025\nTotal 23,40 €":                                                       "Mercado Uno|23.40|EUR|2025-04-03",
		"Corner Deli\nReceipt\n03/04/2025\nTotal $3.50\nSales tax $0.20":                                             "Corner Deli|3.50|USD|2025-03-04",
		"SUPERMARKET XYZ\nMilk 1.20\nTOTAL 3.50\nCASH 5.00\nCHANGE 1.50":                                             "no currency",
		"Dear team,\nthe lunch was 23.40 EUR in total.\nBest, Ann":                                                   "no total",
		"Your order has shipped. Order total: $45.00. Arriving March 14, 2025":                                       "no total",
		"Order confirmation\nShop GmbH\nOrder total 45,00 EUR\n14.03.2025":                                           "it is titled",
		"Kostenvoranschlag\nAutohaus Nord\nMwSt 19% 76,00 €\nGesamtbetrag 476,00 €\n14.03.2025":                      "it is titled",
		"Mahnung\nMuster GmbH\nRechnung Nr. 12 vom 14.03.2025\nOffener Betrag 119,00 EUR":                            "it is titled",
		"Sales figures 2025\nRegion North 10,000 EUR\nRegion South 38,000 EUR\nTotal 48,000 EUR\n31.12.2025":         "no vendor",
		"Shopping list\nMilk 1.20\nBread 2.30\nTotal approx 3.50 EUR":                                                "it is titled",
		"": "no total",
	} {
		r := detect.Detect(text, detect.Options{})
		got := strings.Join([]string{r.Vendor, r.Amount, r.Currency, r.Date}, "|")
		if r.IsExpense != strings.Contains(want, "|") || r.IsExpense && got != want || !r.IsExpense && !strings.Contains(r.Reason, want) {
			t.Errorf("%q:\n got %s %s\nwant %s", text, got, r.Reason, want)
		}
	}
}

func TestCurrencyOfDocumentsThatNameNone(t *testing.T) {
	t.Parallel()
	text := "SUPERMARKET XYZ\nReceipt\nMilk 1.20\nTOTAL 3.50\nCASH 5.00\nCHANGE 1.50"
	if r := detect.Detect(text, detect.Options{Currency: "AUD"}); !r.IsExpense || r.Currency != "AUD" || r.Amount != "3.50" {
		t.Errorf("%+v", r)
	}
}
