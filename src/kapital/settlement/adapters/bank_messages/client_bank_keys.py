"""1CClientBankExchange: its keys, and which value of settlement each is. Source: v8.1c.ru/edi standard 1.03."""

from typing import Final

TITLE: Final = "1CClientBankExchange"
END_OF_FILE: Final = "КонецФайла"
ACCOUNT_SECTION: Final = "СекцияРасчСчет"
ACCOUNT_END: Final = "КонецРасчСчет"
DOCUMENT_SECTION: Final = "СекцияДокумент"
DOCUMENT_END: Final = "КонецДокумента"
ENCODINGS: Final = {"windows": "cp1251", "windows-1251": "cp1251", "dos": "cp866", "utf-8": "utf-8", "utf8": "utf-8"}
"""By the value of `Кодировка`, in small letters. The standard knows Windows and DOS; banks write the others."""
STANDARD_ENCODINGS: Final = frozenset({"Windows", "DOS"})

HEADER_KEYS: Final = frozenset(
    [
        "ВерсияФормата",
        "Кодировка",
        "Отправитель",
        "Получатель",
        "ДатаСоздания",
        "ВремяСоздания",
        "ДатаНачала",
        "ДатаКонца",
        "РасчСчет",
        "Документ",
    ]
)
HEADER_REPEATED: Final = frozenset({"РасчСчет", "Документ"})
ACCOUNT_KEYS: Final = frozenset(
    ["ДатаНачала", "ДатаКонца", "РасчСчет", "НачальныйОстаток", "ВсегоПоступило", "ВсегоСписано", "КонечныйОстаток"]
)
_PARTY_KEYS: Final = "{0} {0}ИНН {0}КПП {0}Счет {0}РасчСчет {0}БИК {0}Корсчет {0}1 {0}2 {0}3 {0}4 {0}Банк1 {0}Банк2"
PAYER: Final = "Плательщик"
PAYEE: Final = "Получатель"
DETAIL_KEYS: Final = (
    *[
        "КвитанцияДата",
        "КвитанцияВремя",
        "КвитанцияСодержание",
        "ВидПлатежа",
        "КодНазПлатежа",
        "Код",
        "СтатусСоставителя",
    ],
    *["ПоказательКБК", "ОКАТО", "ПоказательОснования", "ПоказательПериода", "ПоказательНомера", "ПоказательДаты"],
    *[
        "ПоказательТипа",
        "Очередность",
        "СрокАкцепта",
        "ВидАккредитива",
        "СрокПлатежа",
        "УсловиеОплаты1",
        "УсловиеОплаты2",
    ],
    *["УсловиеОплаты3", "ПлатежПоПредст", "ДополнУсловия", "НомерСчетаПоставщика", "ДатаОтсылкиДок"],
)
"""Keys of a document that are kept as named details."""
PURPOSE_PARTS: Final = tuple(f"НазначениеПлатежа{number}" for number in range(1, 7))
DOCUMENT_KEYS: Final = frozenset(
    (
        *["Номер", "Дата", "Сумма", "ДатаСписано", "ДатаПоступило", "ВидОплаты", "НазначениеПлатежа"],
        *PURPOSE_PARTS,
        *DETAIL_KEYS,
        *_PARTY_KEYS.format(PAYER).split(),
        *_PARTY_KEYS.format(PAYEE).split(),
    )
)
KINDS: Final = frozenset(
    {
        "Платежное поручение",
        "Платёжное поручение",
        "Банковский ордер",
        "Платежное требование",
        "Инкассовое поручение",
        "Мемориальный ордер",
        "Платежный ордер",
        "Аккредитив",
        "Прочее",
    }
)
TAX_KEYS: Final = {
    "payer_status": "СтатусСоставителя",
    "kbk": "ПоказательКБК",
    "oktmo": "ОКАТО",
    "evidence": "ПоказательОснования",
    "period": "ПоказательПериода",
    "doc_number": "ПоказательНомера",
    "doc_date": "ПоказательДаты",
}
"""Of a payment to the budget, by the fields of `TaxFields`. The first says that it is one."""
KIND_DETAIL: Final = "ВидДокумента"
"""The name under which the kind of a document, told by its section's title, stands among the details."""
