"""Words that spreadsheets know, in the larger European languages: truth values, months, errors of formulas."""

__all__ = ["FALSE", "FORMULA_ERRORS", "MONTHS_AND_HOURS", "NO", "TRUE", "YES"]

#: What a program in another language stores for a truth value.
TRUE = frozenset({
    "true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "sand", "tosi", "prawda", "pravda",
    "igaz"
})  # fmt: skip
FALSE = frozenset({
    "false", "falsch", "faux", "falso", "onwaar", "usant", "falsk", "falskt", "epätosi", "fałsz", "nepravda",
    "hamis"
})  # fmt: skip
#: What people type for one.
YES = frozenset({
    "yes", "ja", "oui", "si", "sì", "sí", "sim", "tak"
})  # fmt: skip
NO = frozenset({
    "no", "nein", "non", "não", "nee", "nie"
})  # fmt: skip
#: Beside digits, a date, a time or a number is made of these.
MONTHS_AND_HOURS = frozenset({
    "jan", "january", "januar", "janvier", "janv", "enero", "ene", "gennaio", "gen", "janeiro", "januari",
    "styczeń", "sty", "jänner", "feb", "february", "februar", "février", "févr", "fevrier", "febrero", "febbraio",
    "fevereiro", "fev", "februari", "luty", "lut", "mar", "march", "märz", "mrz", "mars", "marzo", "março", "marco",
    "maart", "mrt", "marzec", "apr", "april", "avril", "avr", "abril", "abr", "aprile", "kwiecień", "kwi", "may",
    "mai", "mayo", "maggio", "mag", "maio", "mei", "maj", "jun", "june", "juni", "juin", "junio", "giugno", "giu",
    "junho", "czerwiec", "cze", "jul", "july", "juli", "juil", "juillet", "julio", "luglio", "lug", "julho",
    "lipiec", "lip", "aug", "august", "août", "aout", "agosto", "ago", "augustus", "sierpień", "sie", "sep", "sept",
    "september", "septembre", "septiembre", "settembre", "set", "setembro", "wrzesień", "wrz", "oct", "october",
    "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out", "październik", "paź", "nov",
    "november", "novembre", "noviembre", "novembro", "listopad", "lis", "dec", "december", "dezember", "dez",
    "décembre", "déc", "decembre", "diciembre", "dic", "dicembre", "dezembro", "grudzień", "gru", "a", "p", "am",
    "pm", "e"
})  # fmt: skip
FORMULA_ERRORS = frozenset({
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!",
    "#FIELD!"
})  # fmt: skip
