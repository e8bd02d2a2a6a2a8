"""The countries of the generated customers, with names and addresses as people write them in that country.

All names and addresses are made up. Phone numbers contain 555, which is reserved for fiction.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["COUNTRIES", "Country"]


@dataclass(frozen=True)
class Country:
    """A country (ISO 3166-1 alpha-2) and the parts of its customers; `weight` is their share in percent.

    A name that is part of an e-mail address or a domain also has its Latin form, which may be empty.
    """

    code: str
    weight: int
    dialing: list[str]
    """Phone numbers without their last four digits."""
    shops: list[tuple[str, str]]
    companies: list[str]
    """Legal names; ``~`` is replaced by the shop's name."""
    cities: list[list[str]]
    """City, state, ZIP code and Latin name. In the ZIP code, ``#`` is replaced by a digit and ``@`` by a letter."""
    streets: list[str]
    """Streets; ``#`` is replaced by the house number."""
    given_names: list[tuple[str, str]]
    family_names: list[tuple[str, str]]


def _country(  # noqa: PLR0913, PLR0917 - a row of the table below
    code: str,
    weight: int,
    dialing: str,
    first_words: str,
    second_words: str,
    companies: str,
    cities: str,
    streets: str,
    given: str,
    family: str,
    given_latin: str = "",
    joiner: str = " ",
) -> Country:
    """Split the strings of the table below at ``|``. A shop's name is a first word, a joiner and a second word."""
    shops = [(first, second) for first in first_words.split("|") for second in second_words.split("|")]
    given_names = given.split("|")
    latin = given_latin.split("|") if given_latin else [_latin(name) for name in given_names]
    return Country(
        code=code,
        weight=weight,
        dialing=dialing.split("|"),
        shops=[(first + joiner + second, _latin(first + second)) for first, second in shops],
        companies=companies.split("|"),
        cities=[city.split("/") for city in cities.split("|")],
        streets=streets.split("|"),
        given_names=list(zip(given_names, latin, strict=True)),
        family_names=[(name, _latin(name)) for name in family.split("|")],
    )


def _latin(text: str) -> str:
    """Return the ASCII letters and digits of a name in lower case; a name in another script becomes empty."""
    # NFKD does not split these letters into ASCII letters and accents.
    for letter, ascii_form in (("ß", "ss"), ("ø", "o"), ("ł", "l"), ("æ", "ae"), ("ı", "i")):
        text = text.replace(letter, ascii_form).replace(letter.upper(), ascii_form)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "", plain)


_ENGLISH_SHOPS = (
    "Copper|Willow|Juniper|Marigold|Harbor|Thistle|Velvet|Amber|Saltwater|Ivory|Cedar|Sparrow|Clover|Lantern|"
    "Foxglove|Pebble|Linen|Hazel|Bluebird|Driftwood|Gilded|Wren|Cobblestone|Honeycomb|Poppy|Rosemary"
)
_ENGLISH_NAMES = (
    "& Oak|Lane Gifts|Home|Interiors|Mercantile|Trading Co.|House|& Thread|Furnishings|Collective|Emporium|Boutique|"
    "Living|Dry Goods|General Store|Studio|& Stone|Paper Goods|Garden Shop|Design|Homeware|Provisions"
)
_ENGLISH_GIVEN = (
    "Olivia|Emma|Amelia|Charlotte|Grace|Naomi|Ruth|Hazel|Nora|Zoe|Maya|Tessa|Liam|Noah|Owen|Caleb|Miles|Theo|Isaac|"
    "Jude|Simon|Marcus|Andre|Darnell|Wei|Priyanka|José|Renée"
)
_ENGLISH_FAMILY = (
    "Ashworth|Bellweather|Calloway|Dunmore|Ellery|Fairbanks|Greenlee|Hollis|Ingram|Jessop|Kendrick|Lockhart|"
    "Merriweather|Nakamura|O'Dell|Pemberton|Quimby|Rutledge|Sandoval|Thackeray|Underhill|Vasquez|Whitlock|"
    "Yarrow|D'Angelo|St. Claire|Van Houten|Nguyen"
)

COUNTRIES = (
    _country(
        "US",
        38,
        "+1415555|+1312555|+1503555|+1212555|+1617555|+1512555|+1206555|+1303555",
        _ENGLISH_SHOPS,
        _ENGLISH_NAMES,
        "~|~ LLC|~ LLC|~, Inc.|~ Inc.",
        "San Francisco/CA/941##/|Portland/OR/972##/|Austin/TX/787##/|Brooklyn/NY/112##/|Chicago/IL/606##/|"
        "Savannah/GA/314##/|Asheville/NC/288##/|Boston/MA/021##/|Santa Fe/NM/875##/|Denver/CO/802##/|"
        "Charleston/SC/294##/|Seattle/WA/981##/|Nashville/TN/372##/|Cañon City/CO/812##/|St. Paul/MN/551##/",
        "# Main St|# Market St|# Elm Ave|# Harbor Blvd|# W 4th St|# Magnolia Ln|# Old Mill Rd|# Union Sq",
        _ENGLISH_GIVEN,
        _ENGLISH_FAMILY,
    ),
    _country(
        "CA",
        7,
        "+1514555|+1416555|+1604555|+1902555",
        "Maple|Maison|Loon|Érable|Northern|Bleuet|Tamarack|Atelier",
        "Home|Laurier|Gifts|Outremont|Trading|Côté|& Birch|Décor|Mercantile|Beauséjour",
        "~|~ Ltd.|~ Inc.|~ Ltée",
        "Montréal/QC/H2@ #@#/|Québec/QC/G1@ #@#/|Toronto/ON/M5@ #@#/|Vancouver/BC/V6@ #@#/|Halifax/NS/B3@ #@#/|"
        "Trois-Rivières/QC/G9@ #@#/",
        "# rue Sainte-Catherine|# King St W|# Granville St|# avenue du Mont-Royal|# Queen St E",
        "Geneviève|Étienne|Chloé|François|Sophie|Mathieu|Hannah|Lucas|Océane|Benoît",
        "Tremblay|Gagné|Bélanger|Côté|MacKenzie|Lévesque|Fraser|Desrosiers|Chow",
    ),
    _country(
        "GB",
        10,
        "+44207555",
        _ENGLISH_SHOPS,
        "& Daughters|of York|Home & Garden|Gift Rooms|Trading|Interiors|at Home|Antiques|& Finch|Larder|Haberdashery",
        "~|~ Ltd|~ Ltd|~ Limited",
        "London//E1 #@@/|Bath//BA1 #@@/|York//YO1 #@@/|Edinburgh//EH1 #@@/|Bristol//BS1 #@@/|Brighton//BN1 #@@/|"
        "Hay-on-Wye//HR3 #@@/",
        "# High Street|# Mill Lane|# Church Road|# Victoria Terrace|Unit #, The Old Brewery",
        "Harriet|Imogen|Poppy|Alfie|Rory|Callum|Siân|Freya|Hamish|Tamsin|Zadie|Niamh",
        "Ackroyd|Blythe|Cholmondeley|Drummond|Featherstone|Gwilliam|Hargreaves|Okonkwo|Patel|Smythe-Jones|Wren",
    ),
    _country(
        "DE",
        9,
        "+4930555",
        "Wohnhaus|Atelier|Möbelhaus|Lädchen|Kontor|Manufaktur|Landhaus|Schönes von",
        "Grünwald|Lindner|Morgenstern|Königsblau|Weißdorn|Birkenau|Süßmilch|Blütenzauber|Kupferkessel|Löwenzahn",
        "~ GmbH|~ GmbH|~ e.K.|~ GmbH & Co. KG|~",
        "Berlin/BE/10###/|München/BY/80###/|Köln/NW/50###/|Hamburg/HH/20###/|Lübeck/SH/23###/|Görlitz/SN/02###/",
        "Hauptstraße #|Lindenallee #|Am Mühlbach #|Königsweg #|Gänsemarkt #a",
        "Jürgen|Käthe|Anneliese|Björn|Sören|Mareike|Lukas|Franziska|Götz|Änne",
        "Müller-Lüdenscheidt|Großmann|Schäfer|Böttcher|Weiß|Krüger|Brandhorst|Öztürk|von der Heide",
    ),
    _country(
        "FR",
        8,
        "+3315555",
        "Maison|Atelier|Le Comptoir|Les Jardins|Galerie|La Petite|Au Bonheur|L'Écrin",
        "Verlaine|Montclair|d'Églantine|Bécassine|des Tilleuls|Hérisson|du Chêne|Noisette|Sérénité",
        "~|~ SARL|~ SAS|~ SARL",
        "Paris/Île-de-France/750##/|Lyon/Auvergne-Rhône-Alpes/690##/|Nîmes/Occitanie/300##/|"
        "Besançon/Bourgogne-Franche-Comté/250##/|Saint-Étienne/Auvergne-Rhône-Alpes/420##/",
        "# rue de la République|# bis, quai des Brumes|# avenue Foch|# place de l'Église|# rue du Château",
        "Éloïse|Zoé|Gaëlle|Maëlys|Raphaël|Théo|Anaïs|Benoît|Françoise|Noël",
        "Lefèvre|Béranger|d'Estrées|Château|Delacroix-Noir|Gauthier|Hénault|de la Tour|Pélissier",
    ),
    _country(
        "IT",
        6,
        "+3902555",
        "Casa|Bottega|Arredamenti|La Credenza di|Fratelli|Officina|Villa",
        "Bellandi|Ginestra|Papavero|Colombina|Civetta|Rosmarino|Lucciola|D'Aprile",
        "~ S.r.l.|~ S.r.l.|~ S.p.A.|~ & C. S.n.c.",
        "Milano/MI/201##/|Firenze/FI/501##/|Forlì/FC/471##/|Cefalù/PA/900##/|Torino/TO/101##/",
        "Via Garibaldi, #|Corso Libertà #|Piazza dei Mercanti, #|Viale della Pace #",
        "Chiara|Niccolò|Zoë|Beatrice|Matteo|Ginevra|Nicolò|Azzurra|Lapo",
        "Dell'Orto|Bellandi|Cangiò|Fumagalli|De Santis|Pappalardo|Rosàs|Quaranta",
    ),
    _country(
        "ES",
        4,
        "+3491555",
        "Casa|El Rincón de|Muebles|Tienda|La Cómoda de|Hogar",
        "Azahar|Doña Inés|Peñafiel|Golondrina|Almendro|Cigüeña|Martín",
        "~ S.L.|~ S.L.|~ S.A.|~",
        "Madrid/Madrid/280##/|Cádiz/Cádiz/110##/|A Coruña/Galicia/150##/|Logroño/La Rioja/260##/",
        "Calle Mayor, #|Plaza de España #|Avda. de la Constitución, #, 2º izq.|Calle del Olmo, #",
        "Íñigo|Begoña|Lucía|Álvaro|María José|Ramón|Nuria|Iñaki",
        "Muñoz|Ibáñez|García-Pelayo|Núñez de Arce|Ordóñez|Zúñiga|Castaño",
    ),
    _country(
        "SE",
        3,
        "+468555",
        "Björk|Hemma hos|Rörstrand|Ljus &|Lilla",
        "Åkesson|Hjärta|Skärgården|Trä|Blåbär|Möbler",
        "~ AB|~ AB|~ Handelsbolag",
        "Malmö/Skåne/21# ##/|Göteborg/Västra Götaland/41# ##/|Växjö/Kronoberg/35# ##/|Umeå/Västerbotten/90# ##/",
        "Storgatan #|Östra Ågatan #|Kungsgatan # B",
        "Åsa|Östen|Linnéa|Göran|Märta|Håkan|Ebba",
        "Sjöström|Åkerblom|Öberg|Lindqvist|Hägglund|Björnstrand",
    ),
    _country(
        "PL",
        3,
        "+4822555",
        "Dom|Pracownia|Galeria|Meble|Sklepik",
        "Żurawina|Łąka|Świerk|Dębowy|Słonecznik|Źródło",
        "~ Sp. z o.o.|~ S.A.|~",
        "Łódź/Łódzkie/9#-###/|Kraków/Małopolskie/3#-###/|Poznań/Wielkopolskie/6#-###/|Gdańsk/Pomorskie/8#-###/",
        "ul. Piotrkowska #|ul. Długa #/2|al. Niepodległości #",
        "Agnieszka|Łukasz|Małgorzata|Stanisław|Zofia|Paweł",
        "Wiśniewska|Źdźbło|Kowalczyk|Brzęczyszczykiewicz|Dąbrowski|Żak",
    ),
    _country(
        "GR",
        2,
        "+30215555",
        "Σπίτι|Γωνιά|Έπιπλα|Δώρα",
        "Αλκυόνη|Μέλισσα|Ελιά|Θάλασσα|Ρόδι",
        "~ Ο.Ε.|~ Α.Ε.|~",
        "Αθήνα/Αττική/105 ##/athina|Θεσσαλονίκη/Μακεδονία/546 ##/thessaloniki|Χανιά/Κρήτη/731 ##/chania",
        "Ερμού #|Λεωφόρος Αλεξάνδρας #|Οδός Αγίου Δημητρίου #",
        "Ελένη|Γιώργος|Αικατερίνη|Νίκος|Ιφιγένεια",
        "Παπαϊωάννου|Οικονόμου|Αγγελοπούλου|Μαυρίδης|Ξενάκη",
        "eleni|giorgos|katerina|nikos|ifigeneia",
    ),
    _country(
        "BG",
        2,
        "+3592555",
        "Къща|Ателие|Мебели|Подаръци",
        "Явор|Лавандула|Роза|Щъркел|Синева",
        "~ ООД|~ ЕООД|~ АД",
        "София/София-град/10##/sofia|Пловдив/Пловдив/40##/plovdiv|Велико Търново/Велико Търново/50##/tarnovo",
        "ул. „Шишман“ #|бул. „Витоша“ #|ул. Ивайло #",
        "Йоана|Георги|Цветелина|Любомир|Щилияна",
        "Ангелова|Димитров|Щерева|Юруков|Ченгелиева",
        "yoana|georgi|tsvetelina|lyubomir|shtiliyana",
    ),
    _country(
        "JP",
        4,
        "+8135555",
        "さくら|みどり|山本|月夜|ひだまり|青葉",
        "家具店|雑貨|商店|工房|インテリア|ギフト",
        "株式会社~|~株式会社|有限会社~|~",
        "東京/東京都/1##-00##/tokyo|京都市/京都府/60#-80##/kyoto|札幌市/北海道/06#-00##/sapporo|那覇市/沖縄県/90#-00##/naha",
        "中央区銀座#丁目2-3|北区本町#-5 第二ビル3階|緑町#番地",
        "さくら|陽翔|美咲|健一|由美子|大輔",
        "佐藤|髙橋|山﨑|小鳥遊|渡邉|森山",
        "sakura|haruto|misaki|kenichi|yumiko|daisuke",
        joiner="",
    ),
    _country(
        "AE",
        2,
        "+9714555",
        "بيت|معرض|هدايا|أثاث",
        "الياسمين|النخيل|اللؤلؤة|الصحراء",
        "شركة ~|~ ذ.م.م|~",
        "دبي/دبي//dubai|أبوظبي/أبوظبي//abudhabi|الشارقة/الشارقة//sharjah",
        "شارع الشيخ زايد #|شارع الكورنيش #|منطقة البرشاء #",
        "ليلى|أحمد|نورة|يوسف|مريم",
        "الهاشمي|المنصوري|عبد الرحمن|الزعابي",
        "layla|ahmed|noura|yousef|maryam",
    ),
    _country(
        "MX",
        2,
        "+52555555",
        "Casa|Artesanías|Mueblería|La Troje de",
        "Jacaranda|Colibrí|Xóchitl|Peña|Ajolote",
        "~ S.A. de C.V.|~ S. de R.L.|~",
        "Ciudad de México/CDMX/06###/|Mérida/Yucatán/97###/|Querétaro/Querétaro/76###/",
        "Av. Insurgentes Sur #|Calle 60 núm. #|Callejón del Beso #",
        "Ximena|Andrés|Guadalupe|Iván|Inés",
        "Cuauhtémoc Ríos|Hernández|Peña|Villaseñor|Ávila",
    ),
)
