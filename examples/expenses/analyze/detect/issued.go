package detect

import "math"

// Labels of dates.
var (
	issueLabels = words(`invoice date,date of invoice,date of issue,issue date,issued,issued on,date issued,bill date,billing date,receipt date,
		tax point,rechnungsdatum,belegdatum,ausstellungsdatum,ausgestellt,re datum,rechnung vom,date de facture,date de facturation,
		date de la facture,date d emission,emise le,emis le,facture du,fecha de factura,fecha factura,fecha de emision,fecha emision,fecha de expedicion,
		fecha expedicion,data fattura,data di emissione,factuurdatum,data de emissao,date paid,paid on,payment date,transaction date,date of purchase,purchase date`)
	plainLabels = words(`date,datum,dated,fecha,data,le,vom,den,am,kaufdatum,date d achat,fecha de compra,tag,day,dia,bezahlt am,paye le`)
	otherLabels = words(`order date,ordered,bestelldatum,bestellt,bestellung vom,date de commande,commande du,fecha de pedido,pedido,delivery date,delivered,
		lieferdatum,leistungsdatum,leistungszeitraum,leistungszeit,service date,date of supply,supply date,date de livraison,livraison,prestation,
		fecha de entrega,entrega,period,zeitraum,periode,periodo,check in,check out,arrival,departure,anreise,abreise,arrivee,depart,llegada,salida,
		from,to,von,bis,du,au,desde,hasta,shipped,ship date,versand,booking,buchung,travel date,reisedatum,statement,printed,gedruckt,imprime`)
	wrongLabels = words(`due,due date,pay by,payable by,payment due,due by,fallig,fallig am,falligkeit,falligkeitsdatum,zahlbar bis,zahlbar,zahlungsziel,
		zu zahlen bis,bitte bis,spatestens,echeance,date d echeance,a payer avant,avant le,payable avant,vencimiento,vence,fecha de vencimiento,fecha limite,pagar antes,
		scadenza,vervaldatum,valid until,valid to,gultig bis,valable jusqu,valido hasta,expires,expiry,exp,ablauf,ablaufdatum,birth,born,dob,
		geboren,geburtsdatum,naissance,nacimiento,best before,mhd,haltbar bis,renews,renewal,next,nachste,prochaine,proxima,return by,umtausch bis,
		ruckgabe bis,retour jusqu,return until,warranty,garantie,garantia,since,seit,depuis,established,gegrundet`)
)

// issued finds the date that a document is from.
func issued(lines []line, monthFirst bool) string {
	best, bestScore := "", math.MinInt
	for i, l := range lines {
		for j, d := range l.dates {
			score := dateScore(above(lines, i, l.cellAt(d.start)), l, d) - i/5 - j
			if score > bestScore {
				best, bestScore = d.format(monthFirst), score
			}
		}
	}
	if bestScore <= wrongDate/2 {
		return ""
	}
	return best
}

const (
	issueDate = 100
	plainDate = 60
	otherDate = -30
	wrongDate = -1000
)

// dateScore goes by the words before a date on its line or, if there are
// none, by those above it.
func dateScore(above string, l line, d date) int {
	label := l.label(d.start)
	if !hasLetters(label, 2) {
		label = above
	}
	switch {
	case issueLabels.in(label):
		return issueDate
	case wrongLabels.in(label) || wrongLabels.in(tailOf(l, d)):
		return wrongDate
	case otherLabels.in(label) && !plainLabels.in(label):
		return otherDate
	case plainLabels.in(label):
		return plainDate - wordCount(label)
	case clock.MatchString(l.text): // printed by a till
		return plainDate - 20
	}
	return -wordCount(label) // in the middle of a sentence
}

// tailOf is what stands behind a date in its cell: "14.03.2025 fällig".
func tailOf(l line, d date) string {
	c := l.cells[l.cellAt(d.start)]
	if end := c.start + len(c.text); d.end < end {
		return fold(l.text[d.end:end])
	}
	return ""
}

// above is the text of the cell that stands over another: of the line before,
// if that has as many cells and no dates or amounts, as the head of a table.
func above(lines []line, i, cell int) string {
	if i == 0 {
		return ""
	}
	head, row := lines[i-1], lines[i]
	if len(head.dates) > 0 || len(head.amounts) > 0 || len(head.cells) != len(row.cells) {
		return ""
	}
	return head.cells[cell].words
}

// hasMonthFirst reads from the dates that leave no choice which way the
// document writes them, and goes by its country if there are none.
func hasMonthFirst(lines []line, where region, currency string) bool {
	votes := 0
	for _, l := range lines {
		for _, d := range l.dates {
			votes += d.vote(l.text[d.start:d.end])
		}
	}
	if votes != 0 {
		return votes > 0
	}
	return where.monthFirst(currency)
}

// vote is 1 for a date such as 03/14/2025 and -1 for one such as 14/03/2025.
func (d date) vote(text string) int {
	m := yearLast.FindStringSubmatch(text)
	if len(m) < 3 || m[2] == "." || d.ambiguous || d.first == d.second {
		return 0
	}
	if number(m[1]) == d.first {
		return 1
	}
	return -1
}
