# ruff: noqa: E501 - a sentence is easier to translate on one line
"""The words of the report in English and Russian, one table for each kind of sentence."""

from typing import Final

LANGUAGES: Final = ("en", "ru")

STEPS: Final = {
    1: {"en": "format of the package", "ru": "формат пакета"},
    2: {"en": "entries: spelling, numbers, sums", "ru": "записи: написание, номера, суммы"},
    3: {"en": "hashes computed anew from the entries", "ru": "хэши записей вычислены заново"},
    4: {
        "en": "entries are in the log at their numbers",
        "ru": "записи включены в журнал под своими номерами",
    },
    5: {"en": "signatures of the checkpoint", "ru": "подписи контрольной точки"},
    6: {"en": "consistency with a second checkpoint", "ru": "согласованность со второй контрольной точкой"},
    7: {"en": "statement of the wallet", "ru": "выписка по кошельку"},
}

WORDS: Final = {
    "accepted": {
        "en": "ACCEPTED: the package proves what is listed below.",
        "ru": "ПРИНЯТО: пакет доказывает перечисленное ниже.",
    },
    "refused": {"en": "REFUSED: the package proves nothing.", "ru": "ОТКАЗ: пакет ничего не доказывает."},
    "step": {"en": "at step", "ru": "на шаге"},
    "passed": {"en": "passed", "ru": "пройдено"},
    "failed": {"en": "FAILED", "ru": "НЕ ПРОЙДЕНО"},
    "not_reached": {"en": "not reached", "ru": "не выполнялось"},
    "not_applicable": {"en": "nothing to check", "ru": "проверять нечего"},
    "proved": {"en": "Proved:", "ru": "Доказано:"},
    "not_proved": {"en": "NOT proved:", "ru": "НЕ доказано:"},
    "signers": {"en": "Keys whose signatures fit:", "ru": "Ключи, подписи которых верны:"},
    "key_trusted": {"en": "named by you as trusted", "ru": "указан вами как доверенный"},
    "key_from_package": {"en": "taken from the package itself", "ru": "взят из самого пакета"},
    "entries": {
        "en": "Entries (number, recorded at, basis, id; below each what it moved):",
        "ru": "Записи (номер, время внесения, основание, идентификатор; под каждой – что она изменила):",
    },
    "entries_of_wallet": {
        "en": "Entries (number, recorded at, basis, id; below each what it moved in the wallet {wallet}):",
        "ru": "Записи (номер, время внесения, основание, идентификатор; под каждой – что она изменила в кошельке {wallet}):",
    },
    "nothing_moved": {"en": "no money and no units moved", "ru": "деньги и единицы не двигались"},
    "wallet": {"en": "wallet", "ru": "кошелёк"},
    "sent_to_frozen": {"en": "income of a frozen wallet", "ru": "доход по замороженному кошельку"},
    "may_leave": {"en": "of money may still leave, RUB", "ru": "из денег ещё может быть списано, руб."},
    "moscow": {"en": "MSK", "ru": "МСК"},
    "balances": {
        "en": "Balances at the checkpoint (amount, asset, position):",
        "ru": "Остатки на контрольную точку (количество, актив, раздел):",
    },
    "sums": {
        "en": "Sums of the listed entries only (amount, asset, position):",
        "ru": "Суммы только по приведённым записям (количество, актив, раздел):",
    },
}

POSITIONS: Final = {
    "available": {"en": "available", "ru": "доступно"},
    "reserved": {"en": "reserved for an order", "ru": "зарезервировано под заявку"},
    "locked": {"en": "locked", "ru": "заблокировано"},
    "pledged": {"en": "pledged", "ru": "в залоге"},
    "arrested": {"en": "arrested", "ru": "под арестом"},
    "frozen": {"en": "frozen", "ru": "заморожено"},
    "issued": {"en": "issued (the issue's own account)", "ru": "выпущено (счёт самого выпуска)"},
    "extinguished": {"en": "extinguished (the issue's own account)", "ru": "погашено (счёт самого выпуска)"},
    "bank": {"en": "at the bank (nominal account)", "ru": "в банке (номинальный счёт)"},
}

# (debits stopped, credits stopped)
STOPS: Final = {
    (True, True): {"en": "frozen, debits and credits", "ru": "заморожено, списания и зачисления"},
    (True, False): {"en": "frozen, debits", "ru": "заморожено, списания"},
    (False, True): {"en": "frozen, credits", "ru": "заморожено, зачисления"},
    (False, False): {"en": "freeze lifted", "ru": "замораживание снято"},
}

SCOPES: Final = {
    None: {"en": "everything in the wallet", "ru": "всё, что есть в кошельке"},
    "units": {"en": "all units", "ru": "все единицы"},
    "money": {"en": "all money", "ru": "все деньги"},
}

# The kinds that 259-FZ art. 4 names. A kind that this verifier does not know is shown as it is spelled.
BASES: Final = {
    "ORDER": {"en": "order to acquire", "ru": "заявка на приобретение"},
    "ISSUER_INSTRUCTION": {"en": "issuer's instruction", "ru": "указание эмитента"},
    "HOLDER_INSTRUCTION": {"en": "holder's instruction", "ru": "указание обладателя"},
    "SMART_CONTRACT": {"en": "deal performed by the terms", "ru": "сделка, исполненная по условиям решения"},
    "COURT_ACT": {"en": "act of a court", "ru": "судебный акт"},
    "ENFORCEMENT_DOC": {"en": "writ of enforcement", "ru": "исполнительный документ"},
    "INHERITANCE_CERT": {"en": "certificate of inheritance", "ru": "свидетельство о праве на наследство"},
    "STATUTE": {"en": "by force of law", "ru": "в силу закона"},
    "CORRECTION": {"en": "correction", "ru": "исправление"},
}

FINDINGS: Final = {
    "entries_unaltered": {
        "en": "Entries in the package: {entries}; each is spelled canonically and in balance by asset.",
        "ru": "Записей в пакете: {entries}; каждая записана в единственной канонической форме и сбалансирована по каждому активу.",
    },
    "entries_included": {
        "en": "Each of them stands at its number among the first {size} entries of the log {origin}; changing any byte would change the root.",
        "ru": "Каждая стоит под своим номером среди первых {size} записей журнала {origin}; изменение любого байта изменило бы корень.",
    },
    "signed_by_trusted_key": {
        "en": "The checkpoint of {origin} is signed by your trusted key {name} (SHA-256 {fingerprint}).",
        "ru": "Контрольная точка журнала {origin} подписана доверенным вами ключом {name} (SHA-256 {fingerprint}).",
    },
    "signed_by_key_in_package": {
        "en": "The checkpoint of {origin} is signed by the key {name} that came in the package: the parts belong together.",
        "ru": "Контрольная точка журнала {origin} подписана ключом {name} из самого пакета: части пакета соответствуют друг другу.",
    },
    "consistent": {
        "en": "The first {old_size} entries are the same in both checkpoints: up to {new_size} entries were only added.",
        "ru": "Первые {old_size} записей одинаковы в обеих контрольных точках: до {new_size} записи только добавлялись.",
    },
    "second_checkpoint_same": {
        "en": "The second checkpoint shows the same log at size {size}.",
        "ru": "Вторая контрольная точка показывает тот же журнал при размере {size}.",
    },
    "sums_added": {
        "en": "All {entries} entries touch the wallet {wallet}; the sums were added anew from their postings.",
        "ru": "Все записи ({entries}) затрагивают кошелёк {wallet}; суммы заново сложены по проводкам.",
    },
    "held_at_size": {
        "en": "The balances shown are those of the wallet {wallet} after the first {size} entries of the log.",
        "ru": "Показанные остатки – остатки кошелька {wallet} после первых {size} записей журнала.",
    },
    "statement_complete": {
        "en": "By the account index that the log signed, exactly these {entries} entries touch the wallet {wallet} among the first {size}: none is left out.",
        "ru": "По указателю счетов, подписанному журналом, среди первых {size} записей кошелёк {wallet} затрагивают ровно эти {entries}: ни одна не пропущена.",
    },
    "origin_of_key": {
        "en": "That the key belongs to the operator. No trusted key was given, so this shows integrity, not origin. Compare the fingerprint of {name} with the one the operator publishes: SHA-256 {fingerprint}",
        "ru": "Принадлежность ключа оператору. Доверенный ключ не указан: проверена целостность, но не происхождение. Сравните отпечаток ключа {name} с опубликованным оператором: SHA-256 {fingerprint}",
    },
    "history_unchanged": {
        "en": "That the log was only added to: there is no second checkpoint to compare with.",
        "ru": "Что журнал только дополнялся: второй контрольной точки для сравнения нет.",
    },
    "one_log_for_all": {
        "en": "That everyone is shown the same log. Compare checkpoints with others or with a witness.",
        "ru": "Что всем показывают один и тот же журнал. Сравните контрольные точки с другими лицами или со свидетелем.",
    },
    "later_entries": {
        "en": "That no other entry, earlier or later, changes the same rights: for that ask for a complete statement.",
        "ru": "Что нет других записей, более ранних или поздних, о тех же правах: для этого запросите полную выписку.",
    },
    "index_recomputed": {
        "en": "That the account index was computed rightly: the log signed it, and only who reads all entries (a witness) can recompute it.",
        "ru": "Что указатель счетов вычислен верно: журнал его подписал, а пересчитать его может лишь тот, кто читает все записи (свидетель).",
    },
    "after_checkpoint": {
        "en": "Anything after the first {size} entries: the statement ends at its checkpoint.",
        "ru": "Всё, что позже первых {size} записей: выписка заканчивается своей контрольной точкой.",
    },
    "nothing_left_out": {
        "en": "That the statement is complete: there is no completeness proof, entries may be left out, and the sums are no balances.",
        "ru": "Полнота выписки: доказательства полноты нет, записи могли быть пропущены, и суммы не являются остатками.",
    },
    "clock": {
        "en": "That recorded_at is right: the instant is the operator's word, the package has no independent time stamp.",
        "ru": "Верность recorded_at: время указано оператором, независимого штампа времени в пакете нет.",
    },
    "basis_true": {
        "en": "That the basis of an entry is true and lawful, and that who gave the order might give it.",
        "ru": "Подлинность и законность основания записи и полномочия того, кто дал распоряжение.",
    },
    "document_names": {
        "en": "The names of the documents: they are labels. Compute SHA-256 of a document yourself and compare.",
        "ru": "Названия документов: это лишь подписи к хэшам. Вычислите SHA-256 документа сами и сравните.",
    },
    "person_behind_wallet": {
        "en": "Whose wallet it is: the log holds no personal data.",
        "ru": "Кому принадлежит кошелёк: персональных данных в журнале нет.",
    },
}

REFUSALS: Final = {
    "package_empty": {"en": "the file is empty", "ru": "файл пуст"},
    "package_torn": {"en": "the file is cut off", "ru": "файл обрезан"},
    "package_not_utf8": {"en": "the file is not UTF-8 text", "ru": "файл не является текстом UTF-8"},
    "package_malformed": {"en": "the file is not JSON", "ru": "файл не является JSON"},
    "package_too_large": {
        "en": "the file is larger than a package may be",
        "ru": "файл больше допустимого размера пакета",
    },
    "package_too_deep": {"en": "the JSON is nested too deeply", "ru": "слишком глубокая вложенность JSON"},
    "package_format_unknown": {"en": "the file is of another format", "ru": "файл другого формата"},
    "package_not_unicode": {
        "en": "a text in the package is not Unicode",
        "ru": "текст в пакете не является Юникодом",
    },
    "package_key_repeated": {
        "en": "a field stands in the package twice",
        "ru": "поле указано в пакете дважды",
    },
    "package_number_not_integer": {"en": "a number is not whole", "ru": "число не целое"},
    "package_number_out_of_range": {"en": "a number is out of range", "ru": "число вне допустимых пределов"},
    "package_not_canonical": {
        "en": "the package is not in its canonical spelling",
        "ru": "пакет записан не в канонической форме",
    },
    "package_fields_wrong": {
        "en": "a field of the package has a wrong shape",
        "ru": "поле пакета имеет неверный вид",
    },
    "package_field_missing": {
        "en": "a field of the package is missing",
        "ru": "в пакете нет обязательного поля",
    },
    "package_field_unknown": {"en": "the package has an unknown field", "ru": "в пакете неизвестное поле"},
    "package_kind_unknown": {"en": "the package is of an unknown kind", "ru": "неизвестный вид пакета"},
    "package_entries_missing": {"en": "the package holds no entry", "ru": "в пакете нет записей"},
    "package_entries_unordered": {"en": "the entries are not in order", "ru": "записи стоят не по порядку"},
    "package_keys_wrong": {"en": "the list of keys is wrong", "ru": "неверный список ключей"},
    "package_wallet_malformed": {"en": "the wallet is not an identifier", "ru": "кошелёк указан неверно"},
    "package_hash_malformed": {
        "en": "a hash in the package is malformed",
        "ru": "хэш в пакете записан неверно",
    },
    "origin_differs": {
        "en": "the parts of the package are of different logs",
        "ru": "части пакета относятся к разным журналам",
    },
    "entry_not_canonical": {
        "en": "an entry is not in its canonical spelling",
        "ru": "запись не в канонической форме",
    },
    "entry_too_large": {"en": "an entry is too large", "ru": "запись слишком велика"},
    "entry_version_unknown": {"en": "an entry is of an unknown version", "ru": "неизвестная версия записи"},
    "entry_fields_wrong": {"en": "an entry has wrong fields", "ru": "неверные поля записи"},
    "entry_seq_malformed": {"en": "the number of an entry is malformed", "ru": "номер записи указан неверно"},
    "entry_basis_malformed": {
        "en": "the basis of an entry is malformed",
        "ru": "основание записи указано неверно",
    },
    "entry_text_malformed": {"en": "a text in an entry is malformed", "ru": "текстовое поле записи неверно"},
    "entry_id_malformed": {
        "en": "an identifier in an entry is malformed",
        "ru": "идентификатор в записи неверен",
    },
    "entry_instant_malformed": {
        "en": "the instant of an entry is malformed",
        "ru": "время записи указано неверно",
    },
    "entry_posting_malformed": {"en": "a posting is malformed", "ru": "проводка указана неверно"},
    "entry_account_malformed": {"en": "an account is malformed", "ru": "счёт указан неверно"},
    "entry_amount_malformed": {
        "en": "an amount is malformed or beyond 64 bits",
        "ru": "количество указано неверно или выходит за 64 бита",
    },
    "entry_unbalanced": {
        "en": "the postings of an asset do not sum to zero",
        "ru": "проводки по активу в сумме не дают ноль",
    },
    "entry_flags_malformed": {
        "en": "the flags in an entry are malformed",
        "ru": "запреты по счёту указаны неверно",
    },
    "entry_freezes_malformed": {
        "en": "the freezes in an entry are malformed",
        "ru": "замораживание в записи указано неверно",
    },
    "entry_opens_malformed": {
        "en": "an opening in an entry is malformed",
        "ru": "открытие в записи указано неверно",
    },
    "entry_seq_differs": {
        "en": "an entry has another number than the package says",
        "ru": "номер записи не тот, что указан в пакете",
    },
    "entry_beyond_checkpoint": {
        "en": "an entry is later than the checkpoint",
        "ru": "запись позже контрольной точки",
    },
    "entry_instants_reversed": {
        "en": "the instants of the entries go back",
        "ru": "время записей идёт назад",
    },
    "entry_not_of_wallet": {
        "en": "an entry does not touch the wallet",
        "ru": "запись не затрагивает кошелёк",
    },
    "document_not_in_entries": {
        "en": "a document is the basis of no entry",
        "ru": "документ не является основанием ни одной записи",
    },
    "proof_hash_length": {
        "en": "a hash in a proof has a wrong length",
        "ru": "хэш в доказательстве неверной длины",
    },
    "proof_index_outside_tree": {"en": "an entry lies outside the log", "ru": "запись вне журнала"},
    "proof_too_long": {"en": "a proof is too long", "ru": "доказательство слишком длинное"},
    "proof_too_short": {"en": "a proof is too short", "ru": "доказательство слишком короткое"},
    "proof_root_differs": {
        "en": "a proof leads to another root",
        "ru": "доказательство ведёт к другому корню",
    },
    "proof_old_root_differs": {
        "en": "the older checkpoint is not a part of the newer",
        "ru": "старая контрольная точка не является частью новой",
    },
    "proof_old_size_zero": {
        "en": "an empty older log proves nothing",
        "ru": "пустой журнал ничего не доказывает",
    },
    "proof_sizes_reversed": {
        "en": "the older checkpoint is the larger",
        "ru": "старая контрольная точка больше новой",
    },
    "proof_subtree_misaligned": {"en": "the range is not a subtree", "ru": "диапазон не является поддеревом"},
    "note_malformed": {"en": "a signed note is malformed", "ru": "подписанная заметка имеет неверный вид"},
    "note_not_utf8": {"en": "a signed note is not text", "ru": "подписанная заметка не является текстом"},
    "note_too_large": {"en": "a signed note is too large", "ru": "подписанная заметка слишком велика"},
    "note_control_character": {
        "en": "a signed note has a control character",
        "ru": "в подписанной заметке управляющий символ",
    },
    "note_too_many_signatures": {
        "en": "a signed note has too many signatures",
        "ru": "в подписанной заметке слишком много подписей",
    },
    "checkpoint_malformed": {
        "en": "the checkpoint is malformed",
        "ru": "контрольная точка имеет неверный вид",
    },
    "checkpoint_size_malformed": {
        "en": "the size in the checkpoint is malformed",
        "ru": "размер в контрольной точке указан неверно",
    },
    "checkpoint_root_malformed": {
        "en": "the root in the checkpoint is malformed",
        "ru": "корень в контрольной точке указан неверно",
    },
    "key_name_malformed": {"en": "the name of a key is malformed", "ru": "имя ключа указано неверно"},
    "vkey_malformed": {"en": "a key is malformed", "ru": "ключ указан неверно"},
    "vkey_algorithm_unknown": {"en": "a key is of an unknown type", "ru": "неизвестный вид ключа"},
    "vkey_hash_differs": {"en": "a key does not fit its own hash", "ru": "ключ не соответствует своему хэшу"},
    "signature_line_malformed": {
        "en": "a signature line is malformed",
        "ru": "строка подписи имеет неверный вид",
    },
    "signature_invalid": {"en": "a signature does not fit", "ru": "подпись неверна"},
    "signature_repeated": {"en": "one key signed twice", "ru": "две подписи одного ключа"},
    "signature_timestamp_out_of_range": {
        "en": "the time in a signature is out of range",
        "ru": "время в подписи вне пределов",
    },
    "signature_of_no_known_key": {
        "en": "no signature is by a known key",
        "ru": "нет подписи известного ключа",
    },
    "signature_without_key": {
        "en": "a signature has no key in the package",
        "ru": "для подписи нет ключа в пакете",
    },
    "signature_not_trusted": {
        "en": "the checkpoint is not signed by a key that counts",
        "ru": "контрольная точка не подписана ключом, которому можно верить",
    },
    "key_without_signature": {
        "en": "a key in the package signed nothing",
        "ru": "ключ в пакете ничего не подписал",
    },
    "checkpoints_fork": {
        "en": "two checkpoints of one size differ: the log is shown in two versions",
        "ru": "две контрольные точки одного размера различны: журнал показан в двух версиях",
    },
    "statement_not_complete": {
        "en": "balances of the past need a statement that is proved complete",
        "ru": "остатки на прошлый момент показывает только выписка, полнота которой доказана",
    },
    "statement_size_beyond_checkpoint": {
        "en": "the log of the checkpoint is shorter than the size asked for",
        "ru": "журнал контрольной точки короче запрошенного размера",
    },
    "consistency_not_provable": {
        "en": "there is no proof between the two checkpoints",
        "ru": "между двумя контрольными точками нет доказательства",
    },
    "index_extension_malformed": {
        "en": "the account index line is malformed",
        "ru": "строка указателя счетов имеет неверный вид",
    },
    "index_proof_malformed": {
        "en": "the completeness proof is malformed",
        "ru": "доказательство полноты имеет неверный вид",
    },
    "index_record_misplaced": {
        "en": "the completeness proof is of another wallet",
        "ru": "доказательство полноты относится к другому кошельку",
    },
    "index_records_unordered": {
        "en": "the completeness proof is not in order",
        "ru": "доказательство полноты не упорядочено",
    },
    "index_root_differs": {
        "en": "the completeness proof leads to another root",
        "ru": "доказательство полноты ведёт к другому корню",
    },
    "completeness_without_index": {
        "en": "the checkpoint carries no account index",
        "ru": "в контрольной точке нет указателя счетов",
    },
    "completeness_not_signed": {
        "en": "the account index is not signed by the log",
        "ru": "указатель счетов не подписан журналом",
    },
    "statement_incomplete": {
        "en": "the statement has fewer or more entries than the account index counts",
        "ru": "в выписке не столько записей, сколько в указателе счетов",
    },
    "statement_entries_differ": {
        "en": "the statement lists other entries than the account index counts",
        "ru": "в выписке не те записи, что в указателе счетов",
    },
}

_EXTRACT: Final = {
    "accepted": {
        "en": "ACCEPTED: extract of the register of users of {operator} at {at}, {lines} lines, made {made_at}.",
        "ru": "ПРИНЯТО: выписка из реестра пользователей оператора {operator} на {at}, строк: {lines}, составлена {made_at}.",
    },
    "trusted": {"en": "Signed by the key that you named: {key}", "ru": "Подписана названным вами ключом: {key}"},
    "untrusted": {
        "en": "Signed by the key in the file; compare it with the operator's by another way: {key}",
        "ru": "Подписана ключом из самого файла; сверьте его с ключом оператора другим путём: {key}",
    },
    "refused": {
        "en": "REFUSED ({code}): the file proves nothing. {reason}",
        "ru": "ОТКАЗ ({code}): файл ничего не доказывает. {reason}",
    },
}


def extract_lines(told: dict[str, object], lang: str) -> list[str]:
    """Return the report of a signed extract in words."""
    if not told["accepted"]:
        return [_EXTRACT["refused"][lang].format(**told)]
    key = "trusted" if told["trusted"] else "untrusted"
    return [_EXTRACT["accepted"][lang].format(**told), _EXTRACT[key][lang].format(**told)]


_HOLDER_LIST: Final = {
    "list": {
        "en": "ACCEPTED: everybody who held {asset} at {at}, after {size} entries of {origin}: {lines} lines, {units} units.",
        "ru": "ПРИНЯТО: все обладатели {asset} на {at}, после {size} записей журнала {origin}: строк {lines}, единиц {units}.",
    },
    "holding": {
        "en": "ACCEPTED: wallet {wallet} held of {asset} at {at}, after {size} entries of {origin}: {held}.",
        "ru": "ПРИНЯТО: кошельку {wallet} принадлежало {asset} на {at}, после {size} записей журнала {origin}: {held}.",
    },
    "log": {
        "en": "That log is the beginning of the one whose checkpoint of {checkpoint_size} entries is in the file.",
        "ru": "Этот журнал – начало того, контрольная точка которого на {checkpoint_size} записей лежит в файле.",
    },
    "not_proved": {
        "en": "Not proved: that the list follows from the entries. A holder's statement, checked with --at-size {size}, "
        "shows it for that holder; the whole log shows it for all.",
        "ru": "Не доказано, что список следует из записей журнала. Для одного обладателя это показывает его выписка, "
        "проверенная с --at-size {size}; для всех – весь журнал.",
    },
    "refused": _EXTRACT["refused"],
    "trusted": _EXTRACT["trusted"],
    "untrusted": _EXTRACT["untrusted"],
}


def holder_list_lines(told: dict[str, object], lang: str) -> list[str]:
    """Return the report of a signed list of holders, or of one holder's line of it, in words."""
    if not told["accepted"]:
        return [_HOLDER_LIST["refused"][lang].format(**told)]
    held = told["held"]
    shown = ", ".join(f"{position} {units}" for position, units in held.items()) if isinstance(held, dict) else ""
    keys = (str(told["kind"]), "trusted" if told["trusted"] else "untrusted", "log", "not_proved")
    return [_HOLDER_LIST[key][lang].format(**{**told, "held": shown}) for key in keys]
