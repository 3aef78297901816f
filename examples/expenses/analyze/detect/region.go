package detect

import (
	"regexp"
	"slices"
	"strings"
)

// region is what a document's words say about where it is from.
type region struct {
	language string
	country  string // ISO 3166, or empty
}

// languageWords are words that a document of one language has several of.
var languageWords = []struct {
	language string
	words    phrases
}{
	{"en", words("the,and,of,for,your,you,invoice,receipt,date,total,amount,tax,thank,payment,due,from,with,price,cash,change,description,quantity,item,qty,paid")},
	{"de", words("der,die,das,und,mit,fur,ihr,ihre,sie,rechnung,quittung,datum,summe,betrag,mwst,ust,danke,vielen,menge,preis,bar,gesamt,netto,brutto,kunde,strasse,nr,zahlung,stk,inkl,zzgl,gesamtbetrag,rechnungsnummer")},
	{"fr", words("le,la,les,et,des,du,pour,votre,vous,facture,recu,merci,montant,tva,ttc,ht,prix,quantite,rue,especes,visite,client,designation,reglement,net,payer,siret,date de")},
	{"es", words("el,los,las,y,del,para,su,factura,recibo,gracias,importe,iva,precio,cantidad,calle,efectivo,compra,cliente,fecha,base imponible,nif,cif,pagar,descripcion,unidades,concepto")},
	{"it", words("il,gli,e,di,per,fattura,scontrino,ricevuta,grazie,importo,iva,prezzo,quantita,via,contanti,totale,cliente,data,partita,resto,euro")},
	{"nl", words("het,een,en,van,voor,uw,factuur,bon,bedankt,bedrag,btw,prijs,aantal,straat,totaal,klant,datum,contant,betaald")},
	{"pt", words("o,os,as,e,do,da,para,fatura,recibo,obrigado,valor,iva,preco,quantidade,rua,dinheiro,total,cliente,data,contribuinte,nif,troco")},
	{"sv", words("och,kvitto,moms,summa,att betala,tack,datum,pris,antal,kontant,faktura,org,nr,kr")},
}

// countryWords name a country or something that only one has.
var countryWords = []struct {
	country string
	words   phrases
}{
	{"CH", words("schweiz,suisse,svizzera,switzerland,che,zurich,geneve,basel,bern,lausanne,luzern,rappen")},
	{"AT", words("osterreich,austria,wien,graz,salzburg,innsbruck,linz,atu*")},
	{"DE", words("deutschland,germany,berlin,munchen,hamburg,koln,frankfurt,stuttgart,steuernummer,hrb,ust idnr,ust id")},
	{"GB", words("united kingdom,england,scotland,wales,london,manchester,edinburgh,vat reg,uk,great britain")},
	{"IE", words("ireland,dublin,eircode")},
	{"US", words("usa,united states,sales tax,california,new york,texas,chicago,seattle,boston,florida,san francisco,ein,zip")},
	{"CA", words("canada,toronto,montreal,vancouver,ottawa,calgary,quebec,ontario,hst,pst,qst,tvq,tps,gst hst,alberta,british columbia")},
	{"AU", words("australia,sydney,melbourne,brisbane,perth,abn,adelaide,nsw,aud")},
	{"NZ", words("new zealand,auckland,wellington,christchurch,nzbn")},
	{"SG", words("singapore")},
	{"HK", words("hong kong")},
	{"IN", words("india,mumbai,delhi,bangalore,bengaluru,gstin,cgst,sgst,chennai,pune")},
	{"ZA", words("south africa,johannesburg,cape town")},
	{"JP", words("japan,tokyo,osaka,kyoto,領収書,請求書,合計,税込,円,東京都")},
	{"CN", words("china,beijing,shanghai,人民币,发票")},
	{"FR", words("france,paris,lyon,marseille,siret,siren,toulouse,bordeaux,nantes,rcs")},
	{"BE", words("belgique,belgie,belgium,bruxelles,brussel")},
	{"ES", words("espana,madrid,barcelona,sevilla,valencia,cif,nif,bilbao,malaga")},
	{"MX", words("mexico,cdmx,rfc,cfdi,guadalajara,monterrey")},
	{"AR", words("argentina,buenos aires,cuit")},
	{"CL", words("chile,santiago,rut")},
	{"CO", words("colombia,bogota,medellin")},
	{"BR", words("brasil,brazil,cnpj,cpf,sao paulo")},
	{"IT", words("italia,roma,milano,partita iva,torino,napoli,firenze")},
	{"NL", words("nederland,amsterdam,rotterdam,kvk,utrecht")},
	{"PT", words("portugal,lisboa,porto,contribuinte")},
	{"SE", words("sverige,sweden,stockholm,goteborg,malmo")},
	{"NO", words("norge,norway,oslo,bergen,mva")},
	{"DK", words("danmark,denmark,kobenhavn,copenhagen,cvr")},
	{"PL", words("polska,poland,warszawa,krakow,nip")},
}

var (
	topLevel  = regexp.MustCompile(`\.(ch|at|de|uk|ie|us|ca|au|nz|sg|hk|in|za|jp|cn|fr|be|es|mx|ar|cl|br|it|nl|pt|se|no|dk|pl)\b`)
	vatNumber = regexp.MustCompile(`\b(AT)U\d{8}\b|\b(DE|BE|ES|FR|GB|IE|IT|NL|PL|PT|SE|DK)[A-Z]?\d{8,11}\b|\b(CH)E-?\d{3}`)
	ibanStart = regexp.MustCompile(`\b(AT|BE|CH|DE|DK|ES|FR|GB|IE|IT|NL|NO|PL|PT|SE)\d{2}(?: ?[A-Z0-9]{4}){3}`)
	statesZip = regexp.MustCompile(`\b[A-Z]{2},? \d{5}(?:-\d{4})?\b`)
	ukPost    = regexp.MustCompile(`\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b`)
	caPost    = regexp.MustCompile(`\b[A-Z]\d[A-Z] \d[A-Z]\d\b`)
)

func whereFrom(lines []line) region {
	countries, languages := map[string]int{}, map[string]int{}
	for _, l := range lines {
		for _, c := range countryWords {
			countries[c.country] += 3 * c.words.count(l.words)
		}
		for _, c := range languageWords {
			languages[c.language] += c.words.count(l.words)
		}
		countNumbers(countries, l.text)
		for _, d := range l.dates {
			countries["US"] += 4 * max(0, d.vote(l.text[d.start:d.end]))
		}
	}
	return region{language: most(languages, 2), country: most(countries, 2)}
}

// countNumbers counts what is written in one country's way.
func countNumbers(countries map[string]int, text string) {
	for _, re := range []*regexp.Regexp{topLevel, vatNumber, ibanStart} {
		for _, m := range re.FindAllStringSubmatch(text, 10) {
			code := strings.ToUpper(strings.Join(m[1:], ""))
			countries[strings.Replace(code, "UK", "GB", 1)] += 4
		}
	}
	for country, re := range map[string]*regexp.Regexp{"US": statesZip, "GB": ukPost, "CA": caPost} {
		if re.MatchString(text) {
			countries[country] += 4
		}
	}
}

// most is the key that counts most; of equal ones the first by name.
func most(counts map[string]int, atLeast int) string {
	best := ""
	for key, n := range counts {
		if n >= atLeast && (best == "" || n > counts[best] || n == counts[best] && key < best) {
			best = key
		}
	}
	return best
}

// monthFirst: 03/04/2025 is the fourth of March, as Americans write.
func (r region) monthFirst(currency string) bool {
	switch {
	case r.country != "":
		return r.country == "US"
	case r.language != "" && r.language != "en":
		return false
	}
	return currency == "USD" || currency == ""
}

// currencies by country, and by language where the country is not known.
var (
	nationalCurrency = map[string]string{
		"CH": "CHF", "GB": "GBP", "US": "USD", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "SG": "SGD", "HK": "HKD", "IN": "INR", "ZA": "ZAR",
		"JP": "JPY", "CN": "CNY", "MX": "MXN", "AR": "ARS", "CL": "CLP", "CO": "COP", "BR": "BRL", "SE": "SEK", "NO": "NOK", "DK": "DKK", "PL": "PLN",
	}
	euroCountries = strings.Fields("AT DE IE FR BE ES IT NL PT")
	euroLanguages = strings.Fields("de fr it nl pt es")
	sharedSigns   = map[string][]string{
		dollar: {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP"},
		krone:  {"SEK", "NOK", "DKK"},
		yen:    {"JPY", "CNY"},
		rupee:  {"INR"},
		peso:   {"MXN", "ARS", "CLP", "COP"},
	}
)

// currency of the country, empty if it is not known.
func (r region) currency() string {
	switch {
	case nationalCurrency[r.country] != "":
		return nationalCurrency[r.country]
	case slices.Contains(euroCountries, r.country), r.country == "" && slices.Contains(euroLanguages, r.language):
		return "EUR"
	}
	return ""
}

// resolve makes a code of a sign that several currencies share: the one that
// the document names by its code, that of its country, else the commonest.
func (r region) resolve(mark string, named map[string]int) string {
	shared, ok := sharedSigns[mark]
	if !ok {
		return mark
	}
	for _, code := range shared {
		if named[code] > 0 {
			return code
		}
	}
	if national := r.currency(); slices.Contains(shared, national) {
		return national
	}
	return shared[0]
}
