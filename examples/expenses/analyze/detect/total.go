package detect

import "strings"

// role is what an amount is, as far as the words beside it say.
type role int

const (
	unknown  role = iota
	grand         // the total, so called that it can be no other
	total         // a total, of which there may be several
	due           // what is left to pay
	paid          // a payment by card or transfer
	tendered      // cash that was handed over
	change        // and came back
	subtotal
	tax
	extra   // shipping, tip, rounding: what is added to the subtotal
	prepaid // a part of the total that was paid before
	ignored // savings, points, a balance: no part of the sum
)

// Words beside amounts. Where several fit, roleOf says which counts.
var (
	grandWords = words(`grand total,invoice total,total invoice,total amount,total price,total sum,total charge,total charged,total payable,amount payable,total to pay,to pay,
		order total,total incl*,total inc,total including,total with,total after,total gross,gross total,gross amount,total paid,amount charged,you paid,
		gesamtbetrag,gesamtsumme,gesamtpreis,rechnungsbetrag,rechnungssumme,endbetrag,endsumme,zahlbetrag,rechnungsendbetrag,bruttobetrag,bruttosumme,
		summe brutto,gesamt brutto,total brutto,betrag brutto,brutto gesamt,zu zahlen,zu zahlender betrag,zahlen,gesamt inkl*,summe inkl*,betrag inkl*,gesamtbrutto,*gesamtbetrag,
		total ttc,montant ttc,net a payer,total a payer,montant a payer,montant total,somme a payer,a payer,prix total,total tva comprise,total general,
		total a pagar,importe total,total factura,total general,total con iva,total iva incluid*,total con impuestos,a pagar,valor total,
		totale complessivo,totale da pagare,totale fattura,importo totale,te betalen,totaalbedrag,totaal incl,att betala,total geral,total a pagar,税込合計,合計金額,ご請求金額,請求金額,お会計`)
	totalWords = words(`total,totals,summe,gesamt,betrag,total*,totale,totaal,amount,montant,importe,importo,suma,summa,monto,bedrag,合計,total chf,total eur,total usd,fare,brutto,*preis gesamt`)
	dueWords   = words(`amount due,balance due,total due,due,amount owing,balance owing,please pay,offener betrag,restbetrag,noch zu zahlen,zu uberweisen,
		montant du,reste a payer,solde a payer,solde du,saldo pendiente,importe pendiente,pendiente de pago,saldo a pagar,saldo`)
	paidWords = words(`visa,mastercard,master card,amex,american express,maestro,debit,credit,credit card,debit card,card,card payment,contactless,girocard,ec karte,ec cash,kartenzahlung,karte,
		kreditkarte,lastschrift,carte,carte bancaire,cb,carte bleue,paiement,regle,tarjeta,pago,paypal,apple pay,google pay,twint,bizum,paid,payment,payments,bezahlt,zahlung,betaald,pin,pagato,pagado,
		bancomat,sepa,bank transfer,uberweisung,virement,transferencia,mobile pay,interac,eftpos`)
	tenderedWords = words(`cash,cash tendered,tendered,bar,bargeld,barzahlung,gegeben,erhalten,especes,espece,recu,rendu sur,efectivo,entregado,recibido,contanti,contant,contante,kontant,dinheiro,現金,お預り,預り,given,received,tender,cash paid`)
	changeWords   = words(`change,change due,your change,cash back,ruckgeld,wechselgeld,zuruck,zurueck,ruckgabe,rendu,monnaie,monnaie rendue,a rendre,cambio,su cambio,vuelto,devuelto,vuelta,resto,wisselgeld,terug,vaxel,troco,お釣り,お釣,釣銭`)
	subtotalWords = words(`subtotal,sub total,subtot,zwischensumme,netto,nettobetrag,nettosumme,gesamt netto,summe netto,warenwert,net amount,net total,total net,net,total excl*,total ex,before tax,
		excl*,exkl*,ohne mwst,ohne ust,zzgl,sous total,total ht,montant ht,ht,hors taxe,hors taxes,base imponible,base,subtotal sin iva,sin iva,importe neto,neto,total neto,imponibile,subtotaal,item total,
		goods total,items total,merchandise,taxable,taxable amount,steuerbetrag netto,nettowert,suma parcial,小計,税抜,zwischen summe,food,beverage,room charge`)
	taxWords = words(`tax,taxes,sales tax,vat,gst,hst,pst,qst,mwst,mwst *,ust,umsatzsteuer,mehrwertsteuer,steuer,tva,tps,tvq,taxe,iva,i v a,impuesto,impuestos,igic,imposta,btw,moms,mva,
		消費税,内消費税,taxe de sejour,cgst,sgst,igst,city tax,kurtaxe,mwst satz,total tax,steuerbetrag,mwst betrag,cuota,cuota iva,pct`)
	inclusive  = words(`incl*,inkl*,inc,including,included,includes,mit,inclus*,comprise,comprises,compris,ttc,toutes taxes,incluido*,incluida*,con,after,plus,with,incluso,compresa,税込,gross`)
	extraWords = words(`shipping,delivery,postage,handling,tip,gratuity,service,service charge,service fee,booking fee,rounding,round off,versand,versandkosten,lieferung,porto,trinkgeld,
		bedienung,pfand,rundung,liefergebuhr,frais de port,frais de livraison,livraison,port,pourboire,arrondi,envio,gastos de envio,portes,propina,redondeo,spedizione,mancia,fooi,verzendkosten,fee,surcharge,deposit fee,leergut`)
	ignoredWords = words(`saved,savings,you saved,save,discount,discounts,rabatt,ersparnis,gespart,remise,reduction,economie,economies,descuento,descuentos,ahorro,ahorros,sconto,korting,points,punkte,bonuspunkte,puntos,
		budget,revenue,total sales,net sales,gross sales,income,umsatz,turnover,profit,debits,credits,deposits,withdrawals,opening balance,closing balance,previous balance,new balance,old balance,balance forward,starting balance,
		anfangssaldo,endsaldo,alter saldo,neuer saldo,kontostand,ancien solde,nouveau solde,saldo anterior,saldo inicial,saldo final,available balance,card balance,guthaben,items,articles,artikel,
		articulos,qty,quantity,menge,quantite,cantidad,anzahl,pieces,pcs,weight,gewicht,poids,peso,hours,stunden,heures,horas,days,tage,jours,dias,distance,miles,km,calories,kcal,minutes,time,age,
		price list,unit price,einzelpreis,stuckpreis,prix unitaire,precio unitario,per unit,exchange rate,kurs,wechselkurs,taux,tipo de cambio,rate,limit,credit limit,minimum,mindest*,
		salary,gehalt,salaire,salario,cost per,estimated,estimate,approx,forecast,previous,vormonat,anterior,precedent,subtotal savings,rewards,loyalty,page,seite,gutschein,coupon,voucher`)
	depositWords = words(`deposit,deposit paid,advance,prepaid,prepayment,already paid,amount paid,paid to date,payments received,anzahlung,abzgl*,bereits gezahlt,bereits bezahlt,vorauszahlung,acompte,
		acompte verse,deja regle,deja paye,arrhes,anticipo,entregado a cuenta,pagado a cuenta,a cuenta,acconto,aanbetaling`)
)

// roleOf reads the words of a label. The order matters: "total VAT" is a tax,
// "total incl. VAT" is a total, and "subtotal" is none.
func roleOf(label string) role {
	inclusiveAt, totalAt, taxAt := inclusive.at(label), totalWords.at(label), taxWords.at(label)
	isGross := totalAt >= 0 && inclusiveAt >= 0 && (taxAt < 0 || totalAt <= taxAt && inclusiveAt > totalAt || inclusiveAt < taxAt && totalAt < inclusiveAt)
	isGrand := grandWords.in(label)
	switch {
	case ignoredWords.in(label) && !isGrand:
		return ignored
	case changeWords.in(label) && !strings.Contains(label, " change of "):
		return change
	case dueWords.in(label) && (taxAt < 0 || isGross):
		return due
	case isGrand && (taxAt < 0 || isGross) && !exclusive(label):
		return grand
	case depositWords.in(label):
		return prepaid
	case isGross && !exclusive(label):
		return grand
	case subtotalWords.in(label):
		return subtotal
	case taxAt >= 0:
		return tax
	case extraWords.in(label) && totalAt < 0:
		return extra
	}
	return plainRole(label, totalAt >= 0)
}

func plainRole(label string, isTotal bool) role {
	switch {
	case isTotal:
		return total
	case tenderedWords.in(label):
		return tendered
	case paidWords.in(label):
		return paid
	}
	return unknown
}

var exclusiveWords = words(`excl*,exkl*,excluding,ohne,ht,hors taxe,hors taxes,h t,sin iva,sin impuestos,before tax,netto,before,subtotal,sub total,sous total,net of,zwischensumme,zzgl`)

func exclusive(label string) bool { return exclusiveWords.in(label) }

// maxLabel is how many words a label has; more are a sentence.
const maxLabel = 8

func wordCount(folded string) int { return len(strings.Fields(folded)) }

// labelled is an amount with its role.
type labelled struct {
	amount
	role role
	line int
}

// label all amounts of a document that have words beside or above them.
func labelAll(lines []line) []labelled {
	var out []labelled
	for i, l := range lines {
		if len(l.amounts) > 0 {
			out = append(out, labelLine(lines, i)...)
		}
	}
	return out
}

func labelLine(lines []line, i int) []labelled {
	l := lines[i]
	if row, ok := labelledRow(lines, i); ok {
		return row
	}
	label := l.label(l.amounts[0].start)
	if !hasLetters(label, 2) {
		if strings.Contains(l.text, "%") { // one rate of a table of taxes
			return nil
		}
		return labelledAbove(lines, i)
	}
	r := unknown
	if wordCount(label) <= maxLabel && !isSentence(l) {
		r = roleOf(withTail(label, l))
	}
	return []labelled{{l.amounts[pick(l.amounts)], r, i}}
}

// withTail adds what stands behind the last amount: "Total 5.00 incl. VAT".
func withTail(label string, l line) string {
	tail := fold(l.text[l.amounts[len(l.amounts)-1].end:])
	if inclusive.in(tail) || exclusive(tail) {
		return label + tail
	}
	return label
}

const maxTail = 3

// isSentence: the line goes on behind its last amount, and not about taxes.
func isSentence(l line) bool {
	tail := fold(l.text[l.amounts[len(l.amounts)-1].end:])
	return wordCount(tail) > maxTail && !inclusive.in(tail) && !taxWords.in(tail)
}

// labelledRow takes a line with several labels: "Subtotal 5.00  Total 6.00".
func labelledRow(lines []line, i int) ([]labelled, bool) {
	l := lines[i]
	var out []labelled
	from := 0
	for _, a := range l.amounts {
		words := fold(l.text[from:a.start])
		from = a.end
		if r := roleOf(words); a.marked() && hasLetters(words, 3) && r != unknown && wordCount(words) <= 4 {
			out = append(out, labelled{a, r, i})
		}
	}
	return out, len(out) > 1 && len(out) == len(l.amounts)
}

// labelledAbove takes an amount that stands below its label, and a row of
// amounts below a row of labels.
func labelledAbove(lines []line, i int) []labelled {
	var out []labelled
	l := lines[i]
	for _, a := range l.amounts {
		head := above(lines, i, l.cellAt(a.start))
		if head == "" && len(l.amounts) == 1 && i > 0 && len(lines[i-1].amounts) == 0 && len(lines[i-1].dates) == 0 {
			head = lines[i-1].words
		}
		if r := roleOf(head); hasLetters(head, 2) && wordCount(head) <= maxLabel/2 && a.marked() {
			out = append(out, labelled{a, r, i})
		}
	}
	return out
}

// pick is the one amount of a line that its label speaks of: the sum where the
// others add up to it, else the last that is written as money, but the first
// where the line says it again in another currency.
func pick(amounts []amount) int {
	if i := sumOf(amounts); i >= 0 {
		return i
	}
	best := -1
	for i, a := range amounts {
		switch {
		case !a.marked() || a.inBrackets && best >= 0:
		case best >= 0 && a.currency != "" && amounts[best].currency != "" && a.currency != amounts[best].currency:
			return best
		default:
			best = i
		}
	}
	if best < 0 {
		return len(amounts) - 1
	}
	return best
}

// sumOf finds net, tax and total on one line, in any order.
func sumOf(amounts []amount) int {
	if len(amounts) < 3 {
		return -1
	}
	last := amounts[len(amounts)-3:]
	for i := range last {
		a, b, c := last[i], last[(i+1)%3], last[(i+2)%3]
		if a.value == b.value+c.value && b.value > 0 && c.value > 0 && a.marked() {
			return len(amounts) - 3 + i
		}
	}
	return -1
}
