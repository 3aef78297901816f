package detect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/examples/expenses/analyze/detect"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	expectAmounts(t, map[string]string{
		"Total 1,234.56":                 "1234.56",
		"Summe 1.234,56":                 "1234.56",
		"Total 1 234,56":                 "1234.56",
		"Total 1\u00a0234\u202f567,89 €": "1234567.89EUR",
		"Total 1'234.56":                 "1234.56",
		"Total 1’234’567.05":             "1234567.05",
		"Total CHF 12.-":                 "12.00CHF",
		"Total 12.– Fr.":                 "12.00CHF",
		"Total Fr. 12.--":                "12.00CHF",
		"Preis 12,- €":                   "12.00EUR",
		"EUR 12,00":                      "12.00EUR",
		"EUR12,00":                       "12.00EUR",
		"12,00EUR":                       "12.00EUR",
		"12,00€ 19,00€":                  "12.00EUR 19.00EUR",
		"€ 12,00 € 19,00":                "12.00EUR 19.00EUR",
		"€12":                            "12.00EUR",
		"$12":                            "12.00$",
		"US$ 12.5":                       "12.50USD",
		"$1,234":                         "1234.00$",
		"1.234 €":                        "1234.00EUR",
		"12 000 kr":                      "12000.00kr",
		"SEK 12 000":                     "12000.00SEK",
		"¥1,200":                         "1200.00¥",
		"１，２００円":                         "1200.00JPY",
		"KWD 1.234":                      "1.234KWD",
		"KWD 0.750":                      "0.75KWD",
	})
}

func TestSignsAndNeighbours(t *testing.T) {
	t.Parallel()
	expectAmounts(t, map[string]string{
		"-12.00":                           "-12.00",
		"− 12,00 €":                        "-12.00EUR",
		"Rabatt -0,50":                     "-0.50",
		"11,55-":                           "-11.55",
		"11,55 EUR-":                       "11.55EUR",
		"11,55- EUR":                       "-11.55EUR",
		"-$11.55":                          "-11.55$",
		"$-11.55":                          "-11.55$",
		"EUR -11,55":                       "-11.55EUR",
		"Total - 12.00":                    "12.00",
		"Total:12.00":                      "12.00",
		"12.99 A":                          "12.99",
		"12.99A":                           "12.99",
		"0,05":                             "0.05",
		"19 % 12,00":                       "12.00",
		"19,00% 12,00":                     "12.00",
		"7:42 12:30:15":                    "",
		"14.03.2025 12,00":                 "12.00",
		"A12 B-12.00 12x 2/3":              "",
		"INV-2024-001 Nr. 0012":            "",
		"+49 341 555-0123":                 "49.00 341.00",
		"1.2.3 1.23.4":                     "",
		"1,23,456.00":                      "",
		"12.3456":                          "",
		"1,2 kg 3,09":                      "3.09",
		"2 x 0,55":                         "0.55",
		"500g 2,49":                        "2.49",
		"99999999999999 12":                "12.00",
		"IBAN DE00 0000 1111 2222":         "1111.00 2222.00",
		"Rs. 1200.00":                      "1200.00Rs",
		"1200,00 zł 100 Kč 5 lei":          "1200.00PLN 100.00CZK 5.00RON",
		"R$ 10,00 A$ 10.00 HK$10":          "10.00BRL 10.00AUD 10.00HKD",
		"ALL 5.00 TOP 6.00":                "5.00 6.00",
		"Total 100.00 USD (92.50 EUR)":     "100.00USD 92.50EUR",
		"12.00/kg":                         "",
		"(12.00)":                          "12.00",
		"12.345,678":                       "12345.678",
		strings.Repeat("9", 600):           "",
		"Total . , ' - $ € \xff\xfe 12.00": "12.00",
	})
}

func expectAmounts(t *testing.T, cases map[string]string) {
	t.Helper()
	for line, want := range cases {
		if got := strings.Join(detect.Amounts(line), " "); got != want {
			t.Errorf("amounts of %.60q = %q, want %q", line, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"2025-03-14":                       "2025-03-14",
		"2025/3/4":                         "2025-03-04",
		"2025.03.14.":                      "2025-03-14",
		"14.03.2025":                       "2025-03-14",
		"4.3.25 um 12 Uhr":                 "2025-03-04",
		"04. 03. 2025":                     "2025-03-04",
		"03/14/2025":                       "2025-03-14",
		"14/03/2025":                       "2025-03-14",
		"03/04/2025":                       "2025-04-03",
		"14-03-2025":                       "2025-03-14",
		"14 March 2025":                    "2025-03-14",
		"14th of March, 2025":              "2025-03-14",
		"March 14, 2025":                   "2025-03-14",
		"Mar. 1st, 2025":                   "2025-03-01",
		"Sept 3 2025":                      "2025-09-03",
		"14-Mar-2025 14-MAR-25":            "2025-03-14 2025-03-14",
		"14. März 2025":                    "2025-03-14",
		"den 3. Feb. 2025":                 "2025-02-03",
		"1. Jänner 2025":                   "2025-01-01",
		"14 mars 2025":                     "2025-03-14",
		"1er août 2025":                    "2025-08-01",
		"2 déc. 2024":                      "2024-12-02",
		"14 de marzo de 2025":              "2025-03-14",
		"5 de setiembre del 2025":          "2025-09-05",
		"14 marzo 2025":                    "2025-03-14",
		"2025年3月14日":                       "2025-03-14",
		"31.02.2025 29.02.2025 00.01.2025": "",
		"29.02.2024":                       "2024-02-29",
		"99.99.9999 32/13/2025":            "",
		"1.2.3.4 10.03.2025.7":             "",
		"Version 12.10.2031-5":             "2031-10-12",
		"12:30 14 Smarch 2025":             "",
		"2025-03-14T07:42:18Z":             "",
		"01.06.2025 - 30.06.2025":          "2025-06-01 2025-06-30",
	} {
		if got := strings.Join(detect.Dates(line, false), " "); got != want {
			t.Errorf("dates of %q = %q, want %q", line, got, want)
		}
	}
	if got := detect.Dates("03/04/2025 13/04/2025 03.04.2025", true); !slices.Equal(got, []string{"2025-03-04", "2025-04-13", "2025-04-03"}) {
		t.Errorf("with the month first: %q", got)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for labels, want := range map[string]string{
		"Total|TOTAL:|Summe|Gesamt|Betrag|Total EUR|Importe|Amount":                                                                                                             "total",
		"Grand total|Invoice total|Gesamtbetrag|Rechnungsbetrag|Zu zahlen|Total TTC|Net à payer|Total a pagar|Importe total|Order Total|Total charged":                          "grand",
		"Total incl. VAT|Total (including tax)|Gesamt inkl. MwSt.|Summe inkl. 19% USt|Total IVA incluido|Total after tax|Montant TTC|Total with GST|Te betalen":                 "grand",
		"Amount due|Balance due|Total due|Restbetrag|Reste à payer":                                                                                                             "due",
		"Subtotal|Sub-Total|Sous-total|Zwischensumme|Nettobetrag|Summe netto|Total HT|Base imponible|Total excl. VAT|Total before tax|Gesamt ohne MwSt|Net total":               "subtotal",
		"Tax|Sales tax (8.25%)|VAT @ 20%|MwSt 19%|19 % USt.|TVA 20 %|IVA 21%|Total VAT|Total tax|Summe MwSt|incl. 19% MwSt|enthaltene MwSt.|Dont TVA|GST included in total|HST": "tax",
		"Change|Change due|Rückgeld|Wechselgeld|Rendu|Monnaie|Cambio|Vuelto":                                                                                                    "change",
		"Cash|Bar|Gegeben|Espèces|Efectivo|Cash tendered|Gegeben Bar":                                                                                                           "tendered",
		"Visa ****1234|Mastercard|EC-Karte|Carte bancaire|Tarjeta|Kartenzahlung":                                                                                                "paid",
		"Deposit paid|Anzahlung|Acompte versé le|Already paid|Amount paid":                                                                                                      "prepaid",
		"You saved|Total savings|Rabatt|Remise|Descuento|Total items|Anzahl Artikel|Opening balance|Alter Kontostand|Total hours|Total budget|Points":                           "ignored",
		"Shipping|Versandkosten|Tip|Trinkgeld|Frais de port":                                                                                                                    "extra",
		"Butter|Widget|Café crème|Consulting":                                                                                                                                   "unknown",
	} {
		for label := range strings.SplitSeq(labels, "|") {
			if got := detect.Role(label); got != want {
				t.Errorf("role of %q = %s, want %s", label, got, want)
			}
		}
	}
}
