package detect

import (
	"regexp"
	"strings"
)

// Titles of documents that are expenses.
var expenseTitles = words(`invoice,tax invoice,receipt,sales receipt,cash receipt,e receipt,bill,sales invoice,cash memo,till receipt,payment receipt,receipts,
	rechnung,rechnungen,quittung,kassenbon,kassenbeleg,kassenzettel,beleg,barbeleg,tankbeleg,tankquittung,bewirtungsbeleg,verkaufsbeleg,kundenbeleg,honorarnote,honorarrechnung,faktura,bon,
	schlussrechnung,abschlagsrechnung,teilrechnung,stromrechnung,hotelrechnung,rechnung nr,barverkauf,zahlungsbeleg,
	facture,recu,ticket de caisse,note d honoraires,quittance,facturette,justificatif de paiement,ticket client,
	factura,factura simplificada,recibo,ticket,tique,tiquet,ticket de compra,ticket de venta,comprobante de pago,boleta,
	fattura,ricevuta,scontrino,documento commerciale,factuur,kassabon,fatura,nota fiscal,kvitto,kvittering,領収書,請求書,レシート,invoice receipt`)

// creditTitles: the amount comes back.
var creditTitles = words(`credit note,credit memo,credit invoice,refund,refund receipt,return receipt,gutschrift,rechnungskorrektur,stornorechnung,storno,erstattung,
	avoir,note de credit,facture d avoir,remboursement,nota de credito,factura rectificativa,abono,devolucion,reembolso,nota di credito,creditnota`)

// otherTitles are of documents that are not.
var otherTitles = words(`quote,quotation,price quotation,estimate,cost estimate,offer,proposal,pro forma,proforma,pro forma invoice,proforma invoice,angebot,kostenvoranschlag,offerte,preisangebot,proformarechnung,
	devis,offre,offre de prix,facture proforma,facture pro forma,presupuesto,cotizacion,oferta,factura proforma,preventivo,orcamento,
	purchase order,order confirmation,sales order,order acknowledgement,auftragsbestatigung,bestellung,bestellbestatigung,bon de commande,confirmation de commande,pedido,orden de compra,confirmacion de pedido,
	delivery note,packing slip,packing list,lieferschein,bon de livraison,bordereau de livraison,albaran,nota de entrega,
	price list,pricelist,rate card,preisliste,preisverzeichnis,liste des prix,liste de prix,tarifs,lista de precios,tarifas,speisekarte,listino prezzi,
	bank statement,account statement,statement of account,statement,kontoauszug,kontoubersicht,umsatzubersicht,depotauszug,releve de compte,releve bancaire,releve,extracto,extracto bancario,extracto de cuenta,estado de cuenta,estratto conto,
	payslip,pay slip,pay stub,salary slip,gehaltsabrechnung,lohnabrechnung,verdienstabrechnung,entgeltabrechnung,bulletin de paie,bulletin de salaire,fiche de paie,nomina,recibo de nomina,busta paga,
	curriculum vitae,curriculum,resume,lebenslauf,cv,hoja de vida,
	minutes,meeting minutes,meeting notes,minutes of meeting,minutes of the meeting,notes,agenda,protokoll,besprechungsprotokoll,sitzungsprotokoll,gesprachsnotiz,besprechungsnotiz,compte rendu,proces verbal,acta,acta de reunion,
	recipe,ingredients,rezept,zutaten,recette,receta,ingredientes,ricetta,
	contract,agreement,lease,rental agreement,vertrag,mietvertrag,arbeitsvertrag,kaufvertrag,contrat,contrat de location,contrato,contrato de arrendamiento,contratto,
	reminder,payment reminder,dunning notice,mahnung,zahlungserinnerung,rappel,relance,recordatorio,
	annual report,quarterly report,sales report,expense report,reisekostenabrechnung,travel expenses,budget,forecast,business plan,geschaftsbericht,note de frais,rapport,informe,bericht,
	itinerary,travel itinerary,shopping list,einkaufsliste,liste de courses,lista de la compra,newsletter,manual,instructions,press release,cover letter,bewerbung,application,
	tax assessment,steuerbescheid,avis d imposition,insurance policy,certificate,zeugnis,gift card,gift voucher,catalogue,catalog,katalog,inventory,inventarliste,remittance advice,timesheet,stundenzettel,donation appeal,spendenaufruf,
	ausschreibung,leistungsverzeichnis`)

// denials say it in a sentence.
var denials = words(`this is not an invoice,not an invoice,this is not a receipt,not a tax invoice,not a bill,no payment is due,no payment required,keine rechnung,dies ist keine rechnung,nicht als rechnung,
	ceci n est pas une facture,ne constitue pas une facture,no es una factura,no es valido como factura,sin valor fiscal,subject to acceptance,we are pleased to quote,pleased to offer,
	freibleibend,unverbindlich,an dieses angebot,dieses angebot,this quotation,this quote,this estimate,this offer,ce devis,bon pour accord,este presupuesto,offer valid,quote valid,valid for acceptance,
	opening balance,closing balance,alter kontostand,neuer kontostand,solde precedent,saldo inicial,saldo final,preheat,work experience,berufserfahrung,experience professionnelle,experiencia laboral,
	attendees,action items,teilnehmer,tagesordnung,tagesordnungspunkt,ordre du jour,asistentes,orden del dia`)

// Words that only expenses have. Each group counts once.
var evidence = []struct {
	points int
	what   phrases
}{
	{2, words(`invoice no,invoice number,invoice nr,invoice id,invoice,receipt no,receipt number,receipt,order no,order number,ticket no,transaction,transaction id,trans,check no,rechnungsnummer,rechnungs nr,
		rechnung nr,re nr,belegnummer,beleg nr,bon nr,bonnr,quittung nr,tse,kassennr,rechnungsnr,rechnung,facture n,facture no,n de facture,numero de facture,n facture,ticket n,factura n,n de factura,factura no,numero de factura,
		no factura,num factura,n factura,factura,facture,ticket,folio,fattura n,factuurnummer,quittung,beleg`)},
	{2, words(`mwst,ust,umsatzsteuer,vat,sales tax,tax,tva,iva,gst,hst,btw,moms,消費税,igic,mwst *,impuesto,taxe`)},
	{2, words(`change,cash,visa,mastercard,card,contactless,girocard,ec karte,kartenzahlung,bar,ruckgeld,gegeben,especes,rendu,carte bancaire,cb,efectivo,cambio,tarjeta,contanti,resto,contant,kontant,現金,お釣り,
		paid,bezahlt,paye,pagado,amex,apple pay,google pay,twint,bizum,paypal,tip,auth code,approval code,aid,terminal id,auth`)},
	{2, words(`thank you for your purchase,thank you for shopping,thank you for your visit,thank you for dining,thank you for your business,thank you for your order,thanks for shopping,thanks for your visit,thank you come again,please come again,
		vielen dank fur ihren einkauf,danke fur ihren einkauf,vielen dank fur ihren besuch,danke fur ihren besuch,vielen dank fur ihren auftrag,auf wiedersehen,merci de votre visite,merci pour votre visite,merci de votre achat,a bientot,merci pour votre achat,
		gracias por su compra,gracias por su visita,vuelva pronto,grazie,bedankt,tack for besoket`)},
	{1, words(`bill to,billed to,invoice to,sold to,rechnungsempfanger,rechnung an,rechnungsadresse,kundennummer,kunden nr,facture a,adresse de facturation,factures a,facturar a,facturado a,datos del cliente,cliente,customer no,customer number`)},
	{1, words(`payment terms,due date,payable within,payment due,net 30,net 14,zahlbar innerhalb,zahlungsziel,fallig,zahlbar bis,zahlungsbedingungen,echeance,conditions de paiement,a regler,vencimiento,forma de pago,condiciones de pago,please pay,uberweisen,pay by`)},
	{1, words(`iban,bic,sort code,account number,bankverbindung,routing number`)},
	{1, words(`ust idnr,ust id,ustid,steuernummer,st nr,uid,vat no,vat reg,vat number,vat id,siret,n tva,tva intracommunautaire,nif,cif,rfc,abn,gstin,ein,tax id,partita iva,p iva,kvk,cuit,rut,nit`)},
	{1, words(`qty,quantity,menge,anzahl,quantite,qte,cantidad,cant,unit price,einzelpreis,prix unitaire,precio unitario,p unit,leistung,description,beschreibung,bezeichnung,designation,descripcion,concepto`)},
}

const (
	expenseTitle = 4
	otherTitle   = -9
	denial       = -6
	labelledSum  = 3
	hasDate      = 1
	hasClock     = 1
	isTerse      = 1
	threshold    = 5
	anonymous    = 7 // where no vendor is named
	titleLines   = 15
	titleWords   = 6
	terseWords   = 10 // at most on each line
)

var clock = regexp.MustCompile(`\b(?:[01]?\d|2[0-3])(?:[:h][0-5]\d\b|\.[0-5]\d ?(?:Uhr|[ap]m)\b)`)

// kind is what a document says that it is.
type kind struct {
	points   int
	isCredit bool
	other    string // the title that says that it is no expense
}

// whatIs adds up what speaks for an expense and what against it.
func whatIs(lines []line) kind {
	k := titles(lines)
	var all strings.Builder
	dated, timed, terse := false, false, true
	for _, l := range lines {
		all.WriteString(l.words)
		dated = dated || len(l.dates) > 0
		timed = timed || len(l.dates) > 0 && clock.MatchString(l.text)
		terse = terse && wordCount(l.words) <= terseWords
	}
	for _, e := range evidence {
		if e.what.in(all.String()) {
			k.points += e.points
		}
	}
	return k.add(denials.in(all.String()), denial).add(dated, hasDate).add(timed, hasClock).add(terse, isTerse)
}

func (k kind) add(is bool, points int) kind {
	if is {
		k.points += points
	}
	return k
}

// titles looks at the first lines. The title that stands first counts.
func titles(lines []line) kind {
	for _, l := range lines[:min(len(lines), titleLines)] {
		for _, c := range l.cells {
			switch {
			case isTitle(c, otherTitles):
				return kind{points: otherTitle, other: c.text}
			case isTitle(c, creditTitles):
				return kind{points: expenseTitle, isCredit: true}
			case isTitle(c, expenseTitles):
				return kind{points: expenseTitle}
			}
		}
	}
	return kind{}
}

// isTitle: a short text that begins with one of the titles. "Quote no.: 17"
// in an invoice refers to another document and is none.
func isTitle(c cell, titles phrases) bool {
	if wordCount(c.words) > titleWords || strings.Contains(c.text, "@") {
		return false
	}
	at := titles.at(c.words)
	if at < 0 || wordCount(c.words[:at]) > 1 {
		return false
	}
	before, value, isField := strings.Cut(c.text, ":")
	return !isField || strings.TrimSpace(value) == "" || !refers(before)
}

var references = words(`your,our,ihr,ihre,unser,unsere,votre,notre,su,nuestro,ref,reference,referenz,no,nr,number,nummer,num,n,order,bestellung,pedido,commande,date,datum,fecha,vom,du,zu,to,an,a`)

func refers(label string) bool {
	words := fold(label)
	return references.in(words) && !expenseTitles.in(words) || wordCount(words) == 1 && otherTitles.in(words)
}
