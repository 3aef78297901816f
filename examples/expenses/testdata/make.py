#!/usr/bin/python3
"""Makes the PDF files and the pictures of this folder. See README.md."""
import os
import subprocess
import sys
import tempfile

from reportlab.lib.pagesizes import A4, letter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

HERE = os.path.dirname(os.path.abspath(__file__))
DEJAVU = "/usr/share/fonts/truetype/dejavu/"


def drawn(name, size, items, font="Helvetica", invariant=1):
    """items: (x, distance from the top, size, text); '>' before x aligns right."""
    c = canvas.Canvas(os.path.join(HERE, name), pagesize=size, invariant=invariant)
    if font.startswith("DejaVu"):
        pdfmetrics.registerFont(TTFont(font, DEJAVU + font + ".ttf"))
    for x, y, points, text in items:
        c.setFont(font, points)
        if isinstance(x, str):
            c.drawRightString(float(x[1:]), size[1] - y, text)
        else:
            c.drawString(x, size[1] - y, text)
    c.save()


def groff(name, text, *options):
    """A page set by groff, as PostScript, made a PDF by Ghostscript."""
    ps = subprocess.run(["groff", "-Kutf8", "-Tps", "-t", "-dpaper=a4", *options], input=text.encode(),
                        stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sOutputFile=" + os.path.join(HERE, name), "-"],
                   input=ps, check=True)


def pango(name, markup, font="DejaVu Sans 10"):
    """A page set by Pango and written by Cairo, with a font in it."""
    subprocess.run(["pango-view", "--no-display", "--markup", "--font=" + font, "--margin=40", "--output=" + os.path.join(HERE, name), "/dev/stdin"],
                   input=markup.encode(), check=True)


def picture(name, text, font="DejaVu Sans Mono 11", dpi=150, after=()):
    """Text as a picture; after is what ImageMagick does to it, as a camera would."""
    with tempfile.TemporaryDirectory() as folder:
        png = os.path.join(folder, "page.png")
        subprocess.run(["pango-view", "--no-display", "--font=" + font, "--dpi=%d" % dpi, "--margin=30", "--output=" + png, "/dev/stdin"],
                       input=text.encode(), check=True)
        subprocess.run(["convert", png, *after, "-strip", os.path.join(HERE, name)], check=True)


def invoice_software_us():
    rows = [("Team plan, annual, 12 seats", "12", "$96.00", "$1,152.00"), ("Priority support", "1", "$250.00", "$250.00")]
    items = [(50, 60, 18, "Invoice"), (400, 60, 12, "Lantern Software LLC"), (400, 76, 9, "200 Orchard Way"),
             (400, 88, 9, "Austin, TX 78701"), (400, 100, 9, "billing@lantern.example"),
             (50, 90, 9, "Invoice number"), (150, 90, 9, "LS-100492"), (50, 104, 9, "Date of issue"), (150, 104, 9, "September 5, 2025"),
             (50, 118, 9, "Date due"), (150, 118, 9, "October 5, 2025"),
             (50, 150, 9, "Bill to"), (50, 163, 9, "Quince & Partners"), (50, 175, 9, "77 Beacon St"), (50, 187, 9, "Boston, MA 02108"),
             (50, 220, 15, "$1,517.67 USD due October 5, 2025"),
             (50, 260, 8, "Description"), (">380", 260, 8, "Qty"), (">460", 260, 8, "Unit price"), (">560", 260, 8, "Amount")]
    y = 280
    for what, n, price, amount in rows:
        items += [(50, y, 9, what), (">380", y, 9, n), (">460", y, 9, price), (">560", y, 9, amount)]
        y += 18
    for label, amount in [("Subtotal", "$1,402.00"), ("Sales tax (8.25%)", "$115.67"), ("Total", "$1,517.67"), ("Amount due", "$1,517.67 USD")]:
        items += [(320, y + 10, 9, label), (">560", y + 10, 9, amount)]
        y += 16
    drawn("invoice-software-us.pdf", letter, items)


def rechnung_elektro_de():
    items = [(50, 60, 14, "Elektro Blitzmann e.K."), (50, 76, 8, "Elektro Blitzmann e.K. · Gewerbering 9 · 99084 Erfurt"),
             (50, 120, 10, "Kita Sonnenkäfer e.V."), (50, 134, 10, "Gartenstraße 2"), (50, 148, 10, "99089 Erfurt"),
             (360, 120, 9, "Rechnung Nr.:"), (450, 120, 9, "2025/218"), (360, 134, 9, "Datum:"), (450, 134, 9, "28.05.2025"),
             (360, 148, 9, "Ausgeführt am:"), (450, 148, 9, "22.05.2025"),
             (50, 200, 12, "Rechnung"), (50, 225, 9, "Vielen Dank für Ihren Auftrag. Wir berechnen Ihnen:")]
    y = 250
    for row in [("Pos", "Leistung", "Menge", "Einzel €", "Gesamt €"), ("1", "Arbeitszeit Geselle", "4,5 Std", "58,00", "261,00"),
                ("2", "LED-Leuchte 60×60", "6 Stk", "74,90", "449,40"), ("3", "Anfahrt pauschal", "1", "35,00", "35,00")]:
        items += [(50, y, 9, row[0]), (80, y, 9, row[1]), (">360", y, 9, row[2]), (">450", y, 9, row[3]), (">540", y, 9, row[4])]
        y += 16
    for label, amount in [("Nettobetrag", "745,40 €"), ("19 % MwSt.", "141,63 €"), ("Gesamtbetrag", "887,03 €")]:
        items += [(360, y + 12, 9, label), (">540", y + 12, 9, amount)]
        y += 16
    items += [(50, y + 40, 9, "Zahlbar bis 11.06.2025 ohne Abzug."), (50, 800, 7, "Bank: Sparbank · IBAN DE00 0000 0000 0000 0000 00 · Steuernr. 151/000/00000")]
    drawn("rechnung-elektro-de.pdf", A4, items, font="DejaVuSans")


def facture_plomberie_fr():
    groff("facture-plomberie-fr.pdf", """.fam H
.ft B
Plomberie Roussel & Fils
.ft R
.br
18 impasse des Lilas
.br
44000 Nantes
.br
SIRET 000 000 000 00000 - TVA FR00000000000
.sp 2
.in 9c
Madame Colette Dubreuil
.br
3 quai de la Fosse
.br
44000 Nantes
.in 0
.sp 2
.ft B
FACTURE N° F-0692
.ft R
.br
Nantes, le 2 décembre 2024
.sp
.TS
l r r r.
Désignation	Quantité	Prix HT	Total HT
Remplacement chauffe-eau	1	890,00	890,00
Main d'œuvre (heures)	3,5	52,00	182,00
Déplacement	1	40,00	40,00
.T&
l s s r.
Total HT	1.112,00
TVA 10 %	111,20
Total TTC	1.223,20
Acompte versé le 20/11/2024	-300,00
Reste à payer	923,20
.TE
.sp
Payable avant le 02/01/2025. Merci de votre confiance.
""")


def factura_taller_es():
    pango("factura-taller-es.pdf", """<big><b>Talleres Biela y Manivela S.L.</b></big>
Polígono Las Eras, nave 6 — 46980 Paterna (Valencia)
NIF B00000000    Tel. 000 00 00 00

<b>FACTURA</b> 2025-A-0318
Fecha: 30-01-2025
Cliente: Transportes Garbí, S.A.
NIF A00000000

Concepto                                  Importe
Cambio de aceite y filtros               118,40 €
Pastillas de freno delanteras            164,00 €
Mano de obra 3 h                          135,00 €

Base imponible                           417,40 €
IVA 21 %                                  87,65 €
<b>TOTAL                                    505,05 €</b>

Forma de pago: transferencia a 15 días. Vencimiento: 14-02-2025
""", font="DejaVu Sans Mono 9")


def invoice_translation_ca():
    items = [(60, 60, 16, "Maple Leaf Translations Inc."), (60, 78, 9, "1455 Peel Street, Suite 300"), (60, 90, 9, "Toronto, ON M5V 2T6, Canada"),
             (60, 102, 9, "GST/HST No. 00000 0000 RT0001"), (430, 60, 14, "INVOICE"), (430, 78, 9, "No. 8841"), (430, 90, 9, "2025-08-19"),
             (60, 140, 9, "To: Northern Rail Museum, Ottawa"), (60, 180, 9, "Translation EN-FR, 9,450 words at $0.22"), (">560", 180, 9, "2,079.00"),
             (60, 196, 9, "Proofreading"), (">560", 196, 9, "310.00"), (380, 230, 9, "Subtotal"), (">560", 230, 9, "2,389.00"),
             (380, 246, 9, "HST (13%)"), (">560", 246, 9, "310.57"), (380, 262, 9, "Balance due (CAD)"), (">560", 262, 9, "$2,699.57"),
             (60, 320, 9, "Terms: net 30. Thank you for your business.")]
    drawn("invoice-translation-ca.pdf", letter, items, font="Times-Roman")


def faktura_se():
    pango("faktura-se.pdf", """<b>Norrsken Bygg AB</b>
Storgatan 11, 903 26 Umeå
Org.nr 556000-0000

<b>Faktura</b> 10427
Fakturadatum    2025-10-02
Förfallodatum   2025-11-01

Kund: Brf Granen

Takarbete, material och arbete    18 400,00
Ställning                          2 150,00
Summa exkl. moms                  20 550,00
Moms 25%                           5 137,50
Att betala                 SEK    25 687,50

Bankgiro 000-0000
""", font="DejaVu Sans Mono 9")


def cv_en():
    groff("cv-en.pdf", """.fam T
.ce 3
.ft B
Tobias Achterberg
.ft R
Curriculum vitae
tobias@achterberg.example - +31 20 000 0000
.sp
.ft B
Experience
.ft R
.br
2021-2025: Controller, Havenlicht Logistics, Rotterdam. Responsible for invoices of EUR 4.2 million a year; cut the total cost of freight by EUR 310,000.
.br
2016-2021: Accountant, Molen & Zoon. Introduced electronic receipts.
.sp
.ft B
Education
.ft R
.br
2012-2016: BSc Business Administration, graduated 30 June 2016
.sp
.ft B
Languages
.ft R
.br
Dutch, English, German
""")


def angebot_de():
    items = [(50, 60, 14, "Malerbetrieb Farbenfroh GmbH"), (50, 76, 9, "Ulmenweg 4, 70599 Stuttgart"), (50, 130, 13, "Angebot Nr. 2025-77"),
             (400, 130, 9, "Datum: 16.04.2025"), (50, 160, 9, "Sehr geehrter Herr Quandt,"), (50, 176, 9, "gern bieten wir Ihnen an:"),
             (50, 210, 9, "Treppenhaus streichen, 140 m²"), (">540", 210, 9, "1.890,00 €"), (50, 226, 9, "Geländer lackieren"), (">540", 226, 9, "640,00 €"),
             (380, 260, 9, "Summe netto"), (">540", 260, 9, "2.530,00 €"), (380, 276, 9, "19 % MwSt."), (">540", 276, 9, "480,70 €"),
             (380, 292, 9, "Gesamtbetrag"), (">540", 292, 9, "3.010,70 €"), (50, 340, 9, "An dieses Angebot halten wir uns bis 31.05.2025 gebunden.")]
    drawn("angebot-de.pdf", A4, items)


def lettre_fr():
    groff("lettre-fr.pdf", """.fam T
Mairie de Saint-Aubin-les-Bois
.br
Service des associations
.sp
Saint-Aubin, le 9 septembre 2025
.sp
Madame la Présidente,
.sp
Nous avons le plaisir de vous informer que le conseil municipal a accordé à votre association une subvention de 1 500 euros pour l'année 2026. Le montant sera versé en deux fois, 750 euros en février et 750 euros en juin.
.sp
Veuillez agréer, Madame la Présidente, nos salutations distinguées.
""")


def pictures():
    picture("receipt-diner-us.png", """      BLUE HERON DINER
      88 Route 9, Fishkill NY
      845-555-0177

  Check 3321     Table 12
  06/28/2025     1:05 PM

  Cheeseburger        13.50
  Veggie Omelet       11.25
  2 Iced Tea           6.00
  ------------------------
  Subtotal            30.75
  Tax                  2.50
  Total              $33.25

  Cash               $40.00
  Change              $6.75

  THANK YOU FOR YOUR VISIT
""")
    picture("quittung-taxi-de.jpg", """Taxi Elbflink
Inh. M. Oezdemir
20359 Hamburg

QUITTUNG

Datum: 17.02.2025   23:48
Fahrt: Hauptbahnhof - Altona
Fahrpreis inkl. 7% MwSt

Gesamtbetrag    EUR 24,60

Bezahlt: Kreditkarte
Wagen 214
""", font="DejaVu Sans 13", after=("-rotate", "0.4", "-attenuate", "0.2", "+noise", "Gaussian", "-quality", "70"))
    picture("ticket-parking-fr.png", """PARKING GRANDE PLACE
59000 Lille

Ticket client
Entree  11/10/2025 09:02
Sortie  11/10/2025 12:47

Duree   3 h 45
Montant TTC     7,50 EUR
dont TVA 20 %   1,25 EUR
Paye par CB

Merci et bonne route
""", after=("-colorspace", "Gray", "-blur", "0x0.4"))
    picture("notice-en.png", """STAFF NOTICE

From Monday 6 October 2025 the canteen opens
at 07:30. Lunch costs 6.50 as before, and a
coffee 1.20.

The summer party raised $1,840 for the library.
Thanks to everyone who helped!

The social committee
""", font="DejaVu Serif 14")


def main():
    for make in (invoice_software_us, rechnung_elektro_de, facture_plomberie_fr, factura_taller_es, invoice_translation_ca,
                 faktura_se, cv_en, angebot_de, lettre_fr, pictures):
        make()


if __name__ == "__main__":
    sys.exit(main())
