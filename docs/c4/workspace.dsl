workspace "Kapital" "Software of an operator of an information system that issues digital financial assets (259-FZ)" {
    !identifiers hierarchical

    model {
        investor = person "Investor" "Acquires units; tops up and withdraws money"
        issuer = person "Issuer" "Decides on issuance; pays holders"
        staff = person "Operator's staff" "Identifies, reviews, confirms, settles; two persons where it matters"
        reader = person "Anyone" "Reads published decisions; checks evidence offline"
        supervisor = person "Auditor, regulator" "Reads registers and extracts"

        bank = softwareSystem "Bank with the nominal account" "Sandbox bank today; no real bank adapter yet" {
            tags "Outside"
        }
        audit = softwareSystem "Audit copy of the log" "Folder of tiles today; immudb, Fabric, EVM are not built" {
            tags "Outside"
        }

        kapital = softwareSystem "Kapital" "Register of record, life of an issue, money of clients, evidence" {
            registry = container "registry" "Participants, wallets, staff, access tokens" "Python, Litestar"
            identity = container "identity" "Identification cases, decided by a second person" "Python, Litestar"
            tokenization = container "tokenization" "Decisions, orders, allocation, corporate actions" "Python, Litestar"
            settlement = container "settlement" "Nominal account, DvP, payouts, withdrawals, reconciliation" "Python, Litestar"
            custody = container "custody" "Signing keys and the log of signatures" "Python, Litestar; synchronous"
            disclosure = container "disclosure" "Public pages of issues" "Python, Litestar, Jinja2"
            ledger = container "ledger" "Register of record, Merkle log, proofs, checkpoints" "Python, asyncpg; synchronous"
            bus = container "embedded bus" "Carries CloudEvents from each outbox to consumers" "Python, PostgreSQL LISTEN/NOTIFY"
            databases = container "PostgreSQL" "One database per service" "PostgreSQL 18, embedded or configured" {
                tags "Database"
            }
            objects = container "Object store" "Decisions and their texts, named by SHA-256" "Folder" {
                tags "Database"
            }
            verify = container "verify" "Checks evidence packages without network" "Python standard library and cryptography"
        }

        investor -> kapital.tokenization "places and withdraws orders" "HTTPS, bearer token"
        investor -> kapital.settlement "asks for withdrawals" "HTTPS, bearer token"
        issuer -> kapital.tokenization "drafts and signs decisions" "HTTPS, bearer token"
        staff -> kapital.registry "registers, restricts" "HTTPS, bearer token"
        staff -> kapital.identity "records and decides identification" "HTTPS, bearer token"
        staff -> kapital.tokenization "reviews, fixes outside values" "HTTPS, bearer token"
        staff -> kapital.custody "suspends, resumes, revokes keys" "HTTPS, bearer token"
        supervisor -> kapital.ledger "reads registers, entries, evidence" "HTTPS, bearer token"
        supervisor -> kapital.registry "takes extracts" "HTTPS, bearer token"
        reader -> kapital.disclosure "reads decisions and documents" "HTTPS, public"
        reader -> kapital.ledger "reads checkpoints, tiles, proofs" "HTTPS, public"
        reader -> kapital.verify "checks a package" "command line, offline"

        kapital.tokenization -> kapital.ledger "post, balances, register" "in process"
        kapital.settlement -> kapital.ledger "post, balances, register" "in process"
        kapital.registry -> kapital.ledger "post (open wallet)" "in process"
        kapital.tokenization -> kapital.custody "sign" "in process"
        kapital.ledger -> kapital.custody "sign checkpoints" "in process"
        kapital.settlement -> bank "credits, payouts, balance" "port Bank"
        kapital.ledger -> audit "append, verify" "port AuditAdapter"
        kapital.tokenization -> kapital.objects "put documents"
        kapital.disclosure -> kapital.objects "get documents"
        kapital.registry -> kapital.bus "events"
        kapital.identity -> kapital.bus "events"
        kapital.tokenization -> kapital.bus "events"
        kapital.settlement -> kapital.bus "events"
        kapital.bus -> kapital.registry "events"
        kapital.bus -> kapital.identity "events"
        kapital.bus -> kapital.tokenization "events"
        kapital.bus -> kapital.settlement "events"
        kapital.bus -> kapital.disclosure "events"
        kapital.bus -> kapital.databases "outbox, inbox, dead letters"
        kapital.ledger -> kapital.databases "COPY, row locks"
    }

    views {
        systemContext kapital "Context" {
            include *
            autolayout lr
        }
        container kapital "Containers" {
            include *
            autolayout lr
        }
        styles {
            element "Database" {
                shape Cylinder
            }
            element "Outside" {
                background #999999
            }
        }
    }
}
