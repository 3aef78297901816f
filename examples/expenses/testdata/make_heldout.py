#!/usr/bin/python3
"""Makes the PDF files and the pictures of the folder heldout. See README.md."""
from reportlab.lib.pagesizes import A4

import make

make.HERE += "/heldout"


def invoice_ie():
    make.pango("invoice-ie.pdf", """<big>Kestrel Data Ltd.</big>
7 Quay Lane, Galway, H91 XX00, Ireland          VAT IE0000000XX

                                   INVOICE  KD-3381
For the attention of
Ms Aoife Brannigan
Tidewater Museums CLG
Cork

Issued      1 Nov 2025
Terms       30 days from issue, i.e. 1 Dec 2025

Hosting, October 2025                                  €1,250.00
Migration of the archive, 2.5 days at €700             €1,750.00
                                                       ---------
Net                                                    €3,000.00
VAT 23%                                                  €690.00
Total payable                                          €3,690.00

Kestrel Data Ltd. is registered in Ireland under 000000.
""", font="DejaVu Sans Mono 8")


def honorarnote_at():
    make.groff("honorarnote-at.pdf", """.fam T
.ft B
Dr. Valentina Grubmüller
.ft R
.br
Wahlärztin für Dermatologie
.br
Landstraße 40, 4020 Linz
.sp 2
Herrn
.br
Leopold Steindl
.br
Am Anger 6
.br
4040 Linz
.sp 2
Linz, am 5. Jänner 2025
.sp
.ft B
Honorarnote Nr. 17/2025
.ft R
.sp
.TS
l r.
Ordination 02.01.2025	140,00
Muttermalkontrolle	65,00
Honorar gesamt	EUR 205,00
.TE
.sp
Umsatzsteuerfrei gem. § 6 Abs. 1 Z 19 UStG. Bitte überweisen Sie den Betrag bis 19.01.2025.
""")


def lieferschein_de():
    items = [(50, 60, 13, "Holzhandel Spechtmann KG"), (50, 76, 9, "Sägewerkstr. 12, 78120 Furtwangen"), (50, 130, 13, "LIEFERSCHEIN 88120"),
             (50, 160, 9, "Lieferdatum 12.06.2025"), (50, 176, 9, "Kunde: Tischlerei Rabe, Rechnung folgt"), (50, 210, 9, "12 Stk  Eiche 40 mm, 2,40 m"),
             (50, 226, 9, "Warenwert netto 1.488,00 EUR"), (50, 300, 9, "Ware erhalten: ______________")]
    make.drawn("lieferschein-de.pdf", A4, items)


def pictures():
    make.picture("supermarkt-de.png", """     Frischemarkt Holle
     Inh. Torben Holle e.K.
     Kirchplatz 4, 29221 Celle

                         EUR
Vollmilch 3,5%          1,29 A
Bananen                 1,87 A
Waschmittel             5,49 B
Pfand                   0,25 A
------------------------------
Summe                   8,90
Karte                   8,90

Steuer %   Netto   Steuer  Brutto
A  7,0      3,19    0,22    3,41
B 19,0      4,61    0,88    5,49

04.12.2025  18:02  Bon 1190
Danke und bis bald!
""")
    make.picture("train-gb.jpg", """WESTMOOR RAILWAY
Ticket machine 14, Exeter

RECEIPT - NOT A TICKET

Off-Peak Return  Exeter - Bath
1 Adult                 GBP 47.80
Railcard discount       GBP -15.95
TOTAL PAID              GBP 31.85

Paid by card ending 0092
21 MAR 2025   08:17
""", font="DejaVu Sans 13", after=("-rotate", "-0.5", "-quality", "75"))


for draw in (invoice_ie, honorarnote_at, lieferschein_de, pictures):
    draw()
