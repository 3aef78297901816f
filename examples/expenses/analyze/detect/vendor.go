package detect

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	vendorLines = 14 // from the start
	footerLines = 8  // from the end
	maxVendor   = 80
	ornaments   = " \t*-=_~#.,:;|<>+/\\\"'•·»«"
)

var (
	legalForm = regexp.MustCompile(`(?:^|[\s,.&-])(?:GmbH|gGmbH|AG|KG|OHG|GbR|UG|e\.\s?K\.|e\.\s?U\.|e\.\s?V\.|SE|KGaA|mbH|Ltd|LTD|Limited|LLC|L\.L\.C\.|LLP|Inc|INC|Corp|CORP|Co|PLC|plc|Pty|Pte|SARL|S\.A\.R\.L\.|SAS|S\.A\.S\.|SASU|EURL|SA|S\.A\.|SCOP|Sàrl|SÀRL|Sarl|S\.L\.|SL|S\.L\.U\.|SLU|S\.C\.|S\.A\. de C\.V\.|S\.p\.A\.|SpA|SRL|S\.r\.l\.|Srl|B\.V\.|BV|N\.V\.|VOF|AB|Oy|ApS|A/S|AS|Lda|Ltda|LDA|Sp\. z o\.o\.|株式会社)(?:$|[\s.,)·|])`)
	business  = words(`*backerei,cafe,caffe,coffee,restaurant,ristorante,bistro,brasserie,bar,pub,hotel,hostel,pension,gasthaus,gasthof,wirtshaus,markt,*markt,market,supermarket,supermarche,supermercado,store,shop,*shop,*laden,
		boulangerie,patisserie,boucherie,librairie,pharmacie,epicerie,garage,papeterie,fromagerie,panaderia,libreria,farmacia,ferreteria,taller,taberna,restaurante,tienda,mercado,taxi,taxis,cab,apotheke,*apotheke,
		tankstelle,*tankstelle,buchhandlung,metzgerei,konditorei,werkstatt,*werkstatt,autohaus,*handel,*service,services,solutions,consulting,studio,agentur,hosting,energy,energie,telecom,airlines,
		railway,parking,parkhaus,*parkhaus,deli,diner,grill,pizzeria,kitchen,bakery,pharmacy,hardware,bookshop,books,*bucher,supplies,brothers,sons,sohne,fils,hijos,verlag,druckerei,imprimerie,imprenta,clinic,praxis,drogerie,*werke,stadtwerke,
		tea,foods,grocery,grocers,electronics,elektro,*technik,motors,stationery,office,design,cloud,software,systems,salon,floristik,blumen,florist,flowers,cleaners,laundry`)
	vendorLabels = words(`from,seller,vendor,merchant,supplier,sold by,issued by,issuer,company,billed by,payee,pay to,payable to,shop,store name,verkaufer,verkauft von,verkauf durch,aussteller,rechnungssteller,lieferant,handler,firma,kontoinhaber,absender,leistungserbringer,
		emetteur,vendeur,fournisseur,emis par,vendu par,commercant,titulaire,prestataire,vendedor,emisor,proveedor,emitido por,vendido por,razon social,titular,beneficiario,comercio,expedidor,fornitore,venditore,leverancier,verkoper,account name,account holder,beneficiary`)
	buyerLabels = words(`bill to,billed to,invoice to,invoiced to,sold to,ship to,shipped to,deliver to,customer,customer name,client,buyer,attn,attention,for,to,recipient,guest,guest name,passenger,patient,member,cardholder,
		rechnung an,rechnungsempfanger,rechnungsadresse,lieferadresse,lieferanschrift,rechnungsanschrift,kunde,kundin,kaufer,empfanger,an,z hd,gast,auftraggeber,leistungsempfanger,
		facture a,adresse de facturation,adresse de livraison,livre a,destinataire,acheteur,client nom,doit,a l attention de,pour,
		facturar a,facturado a,datos del cliente,cliente,comprador,destinatario,enviar a,direccion de envio,receptor,huesped,cessionario,klant,aan`)
	persons = words(`herr,herrn,frau,firma,familie,mr,mrs,ms,mme,monsieur,madame,mlle,sr,sra,senor,senora,dear,sehr geehrte,sehr geehrter,hallo,hello,hi,bonjour,estimado,estimada`)
	// notNames begin what is no name.
	notNames = words(`tel,telefon,telephone,phone,fax,mobile,email,e mail,mail,web,www,www *,http,https,iban,bic,swift,vat,ust,ustid,steuernummer,siret,siren,tva,nif,cif,rfc,abn,ein,gstin,gst,hst,tax id,tax,
		date,datum,fecha,time,uhrzeit,zeit,heure,hora,cashier,kassierer,kassiererin,kasse,bediener,bedienung,es bediente,caissier,caisse,vendeuse,vendeur,cajero,caja,server,waiter,table,tisch,mesa,terminal,register,till,order,
		page,seite,pagina,rechnungsnummer,rechnungs nr,rechnungsdatum,kundennummer,kunden nr,belegnr,beleg nr,bon nr,description,item,items,qty,quantity,price,amount,beschreibung,bezeichnung,menge,preis,pos,leistung,artikel,
		designation,quantite,prix,descripcion,cantidad,precio,importe,concepto,unidades,ud,uds,opening hours,offnungszeiten,geoffnet,horaires,horario,thank,thanks,danke,vielen dank,merci,gracias,grazie,copy,kopie,duplicate,duplicata,original,copia,
		customer copy,merchant copy,handlerbeleg,kundenbeleg,due,paid,subject,betreff,objet,asunto,re,ref,reference,referenz,your ref,our ref,ihr zeichen,unser zeichen,period,leistungszeitraum,payment,zahlung,total,summe,subtotal,
		po,p o,po box,postfach,suite,floor,dine in,take away,takeaway,takeout,zum mitnehmen,eat in,guests,covers,couverts,betrag,eur,welcome,willkommen,bienvenue,bienvenido,bienvenidos,here is,here s,tse,hrb,amtsgericht,geschaftsfuhrer,
		inh,inhaber,inhaberin,owner,prop,proprietor,gerant,gerante,propietario,propietaria,capital,au capital,rcs,registered,company no,n siret,zip,id,nr,no,n,num,numero,duree,dauer,duration,duracion,entree,sortie,einfahrt,ausfahrt,entry,exit,
		entrada,salida,fahrt,von,nach,from,to,trip,account,konto,check,invoice,rechnung,facture,factura,due date,ausgefuhrt,terms,org nr,orgnr,filiale,branch,store no,shop no,station,wagen,vehicle,document,dokument,ticket n,ticket no`)
	streets     = words(`street,st,road,rd,avenue,ave,strasse,*strasse,*str,rue,calle,avenida,avda,platz,*platz,*allee,*weg,*gasse,plaza,boulevard,blvd,lane,ln,square,place,quai,chemin,route,paseo,via,piazza,drive,dr,straat,*straat,*gatan,camino,unit,suite,polígono,poligono,zi,za`)
	abbreviated = regexp.MustCompile(`(?i)(?:\.\pL|[ ,](?:co|inc|ltd|corp|bros|pty|pte|cie|hnos|hijos|int|intl|ing|dr))$`)
	// places begin an address in the languages that name the street first.
	places   = words(`rue,calle,c,avenida,avda,av,plaza,place,quai,boulevard,via,piazza,paseo,camino,chemin,route,poligono,am,an der,auf der`)
	postcode = regexp.MustCompile(`\b(?:[A-Z]{1,2}-?)?\d{4,5}(?:-\d{3,4})? \pL{3,}|\b[A-Z]{2},? \d{5}\b|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b`)
	streetNo = regexp.MustCompile(`^\d+[a-zA-Z]?,? \pL|\pL{3,}\.? \d{1,4} ?[a-zA-Z]?$`)
	greeting = regexp.MustCompile(`(?i)^(?:.*\b(?:receipt|invoice|bill) from|welcome to|willkommen (?:bei|im|in der)|herzlich willkommen (?:bei|im)|bienvenue (?:chez|à|au|a)|bienvenidos? an?|benvenuti (?:da|a)|rechnung von|facture de|factura de) +`)
	thankYou = regexp.MustCompile(`(?i)(?:thank you for (?:shopping|dining|eating|staying|travelling|riding|choosing)(?: (?:at|with|in))?|thanks for (?:shopping|visiting|choosing)(?: (?:at|with))?|danke für (?:ihren einkauf|ihren besuch) (?:bei|im|in)|vielen dank für (?:ihren einkauf|ihren besuch) (?:bei|im|in)|merci de votre visite chez|gracias por (?:su compra|su visita) (?:en|a)) +(\pL[^.!,]{2,40})`)
)

// vendorOf finds who a document is from.
func vendorOf(lines []line) string {
	v := &vendors{lines: lines, buyers: buyers(lines)}
	v.labels()
	v.head()
	v.footer()
	return v.best
}

// vendors weighs the names that may be the vendor's.
type vendors struct {
	lines  []line
	buyers map[[2]int]bool // by line and cell
	best   string
	points int
}

func (v *vendors) offer(name string, points int) {
	name = cleanName(name)
	if !isName(name) {
		return
	}
	if legalForm.MatchString(name) {
		points += 25
	}
	if v.repeated(name) {
		points += 8
	}
	if points > v.points {
		v.best, v.points = name, points
	}
}

// repeated: the name's first word stands in several lines, as in an address
// on the web.
func (v *vendors) repeated(name string) bool {
	first := strings.Fields(fold(name))
	if len(first) == 0 || len(first[0]) < 4 {
		return false
	}
	n := 0
	for _, l := range v.lines {
		if strings.Contains(l.words, first[0]) {
			n++
		}
	}
	return n > 1
}

// labels takes what stands behind a label such as "Seller:", or below it.
func (v *vendors) labels() {
	for i, l := range v.lines {
		for j, c := range l.cells {
			label, value, hasColon := strings.Cut(c.text, ":")
			if !isLabel(fold(label), vendorLabels) || v.buyers[[2]int{i, j}] {
				continue
			}
			switch {
			case strings.TrimSpace(value) != "":
				v.offer(value, 90)
			case j+1 < len(l.cells) && !isLabel(fold(strings.TrimRight(l.cells[j+1].text, ":")), buyerLabels):
				v.offer(l.cells[j+1].text, 85)
			case (hasColon || len(l.cells) <= 2) && i+1 < len(v.lines):
				v.offer(v.lines[i+1].cells[min(j, len(v.lines[i+1].cells)-1)].text, 85)
			}
		}
	}
}

// isLabel: the text is a label and little else.
func isLabel(words string, labels phrases) bool {
	for _, label := range labels {
		if words == label {
			return true
		}
	}
	return false
}

// tableHead are the words over the columns of a document's items.
var tableHead = words(`description,item,items,product,service,qty,quantity,units,hours,rate,price,unit price,amount,total,beschreibung,bezeichnung,leistung,artikel,pos,position,menge,anzahl,einzelpreis,preis,gesamt,gesamtpreis,betrag,einheit,
	designation,libelle,quantite,qte,prix,prix unitaire,montant,descripcion,concepto,cantidad,cant,unidades,ud,uds,precio,p unitario,precio unitario,importe,descrizione,quantita,prezzo,importo,omschrijving,aantal,prijs,bedrag`)

func isTableHead(l line) bool {
	n := 0
	for _, c := range l.cells {
		if at := tableHead.at(c.words); at >= 0 && wordCount(c.words) <= 3 {
			n++
		}
	}
	return n >= 2
}

// head goes through the first lines, where names stand, up to the items.
func (v *vendors) head() {
	priced := 0
	for i, l := range v.lines[:min(len(v.lines), vendorLines)] {
		if isTableHead(l) {
			return
		}
		for j, c := range l.cells {
			if !v.buyers[[2]int{i, j}] {
				v.offer(firstPart(c.text), 62-4*i-2*j-priced+v.bonus(i, j))
			}
		}
		if len(l.amounts) > 0 && l.amounts[len(l.amounts)-1].marked() {
			priced = 10
		}
	}
}

func (v *vendors) bonus(i, j int) int {
	points := 0
	if v.followedByAddress(i, j) {
		points += 2
	}
	if business.in(v.lines[i].cells[j].words) {
		points++
	}
	return points
}

func (v *vendors) followedByAddress(i, cell int) bool {
	if i+1 >= len(v.lines) {
		return false
	}
	cells := v.lines[i+1].cells
	next := cells[min(cell, len(cells)-1)].text
	return isAddress(next) && !v.buyers[[2]int{i + 1, min(cell, len(cells)-1)}]
}

// footer takes the name that a document thanks in, and the company in its
// last lines.
func (v *vendors) footer() {
	for i, l := range v.lines {
		if m := thankYou.FindStringSubmatch(l.text); m != nil {
			v.offer(m[1], 45)
		}
		if i >= len(v.lines)-footerLines && legalForm.MatchString(l.text) && len(l.amounts) == 0 && !v.buyers[[2]int{i, 0}] {
			v.offer(firstPart(l.cells[0].text), 12)
		}
	}
}

// buyers marks the cells that name whom a document is for: from a label such
// as "Bill to" to the end of its block.
func buyers(lines []line) map[[2]int]bool {
	marked := map[[2]int]bool{}
	for i, l := range lines {
		for j, c := range l.cells {
			label, value, _ := strings.Cut(c.text, ":")
			switch {
			case isLabel(fold(label), buyerLabels):
				marked[[2]int{i, j}] = true
				if strings.TrimSpace(value) == "" {
					markBelow(marked, lines, i, j)
				}
			case persons.at(c.words) == 0:
				marked[[2]int{i, j}] = true
				markBelow(marked, lines, i, j)
			}
		}
	}
	return marked
}

const maxAddress = 5

func markBelow(marked map[[2]int]bool, lines []line, i, cell int) {
	if cell+1 < len(lines[i].cells) && cell == 0 && !isLabel(fold(strings.TrimRight(lines[i].cells[1].text, ":")), vendorLabels) {
		marked[[2]int{i, 1}] = true
	}
	for n := i + 1; n < min(len(lines), i+1+maxAddress) && lines[n].block == lines[i].block; n++ {
		at := min(cell, len(lines[n].cells)-1)
		if len(lines[n].cells) > 1 || len(lines[i].cells) == 1 || at == cell {
			marked[[2]int{n, at}] = true
		}
	}
}

// firstPart is the name at the start of a line that goes on with an address.
func firstPart(text string) string {
	for _, separator := range []string{"·", "•", "|", " - ", " / "} {
		if name, rest, ok := strings.Cut(text, separator); ok && (isAddress(strings.TrimSpace(rest)) || separator == "·" || separator == "•") {
			text = name
		}
	}
	for i := strings.LastIndexByte(text, ','); i > 0; i = strings.LastIndexByte(text[:i], ',') {
		if rest := strings.TrimSpace(text[i+1:]); isAddress(rest) {
			text = text[:i]
		}
	}
	return text
}

func isAddress(text string) bool {
	return postcode.MatchString(text) || streetNo.MatchString(text) || strings.Contains(text, "@") ||
		strings.Contains(strings.ToLower(text), "www.") || words("tel,phone,telefon").in(fold(text)) || vatNumber.MatchString(text)
}

func cleanName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	name = strings.TrimLeft(name, ornaments)
	name = greeting.ReplaceAllString(name, "")
	bare := strings.TrimRight(name, ornaments)
	if strings.HasPrefix(name[len(bare):], ".") && abbreviated.MatchString(bare) {
		return bare + "."
	}
	return bare
}

// isName: what is left when all that is known to be none is taken away.
func isName(name string) bool {
	words := fold(name)
	switch {
	case name == "" || len(name) > maxVendor || !hasLetters(name, 2) || len(strings.Fields(name)) > 8:
		return false
	case notNames.at(words) == 0, persons.at(words) == 0:
		return false
	case places.at(words) == 0, streets.in(words) && digitsIn(name) > 0 && !legalForm.MatchString(name):
		return false
	case strings.ContainsAny(name, "@:?") || strings.HasSuffix(name, "!"):
		return false
	case isAddress(name) && !legalForm.MatchString(name):
		return false
	case len(findDates(name)) > 0, hasMoney(name), digitsIn(name) > letters(name)/2:
		return false
	}
	return !isOnlyTitle(words)
}

func hasMoney(name string) bool {
	for _, a := range findAmounts(name, nil) {
		if a.marked() {
			return true
		}
	}
	return false
}

func digitsIn(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// isOnlyTitle: "Invoice", "Rechnung Nr 12" and "Taxi receipt", but not
// "Receipt Bakery Ltd".
func isOnlyTitle(words string) bool {
	for _, titles := range []phrases{expenseTitles, creditTitles, otherTitles} {
		at := titles.at(words)
		atEnd := at >= 0 && titles.endIn(words) && wordCount(words) <= 3
		if atEnd || at == 0 && (wordCount(words) <= 2 || digitsIn(words) > 0) {
			return true
		}
	}
	return false
}
