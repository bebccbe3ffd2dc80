"""pain.001 and pain.002: orders and words about them, both ways."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pyiso20022.pain import pain_001_001_09
from xsdata.formats.dataclass.parsers import XmlParser

from kapital.kernel.problems import Problem
from kapital.settlement.adapters.bank_messages.pain001 import read_pain001, write_pain001
from kapital.settlement.adapters.bank_messages.pain002 import STATES, read_pain002, write_pain002
from kapital.settlement.adapters.bank_messages.schemas import schema_of
from kapital.settlement.domain.bank_message import Deviations, PaymentState, PaymentStatus
from tests.settlement.bank_messages.values import NOW, orders

SAMPLES = Path(__file__).parents[2] / "data" / "iso20022"
batches = st.lists(orders, min_size=1, max_size=4, unique_by=lambda order: order.reference)


class TestOrders:
    @given(batches)
    def test_are_read_as_they_were_written_and_fit_the_schema(self, batch):
        content = write_pain001(batch, message_id="M-1", created_at=NOW)
        deviations = Deviations()

        found = read_pain001(BytesIO(content), deviations)

        schema_of("pain.001.001.09").assertValid(etree.fromstring(content))
        assert sorted(found, key=lambda one: one.reference) == sorted(batch, key=lambda one: one.reference)
        assert not deviations.kept

    @given(batches)
    def test_have_the_sum_that_an_independent_reader_finds(self, batch):
        content = write_pain001(batch, message_id="M-1", created_at=NOW)

        document = XmlParser().from_bytes(content, pain_001_001_09.Document).cstmr_cdt_trf_initn

        amounts = [one.amt.instd_amt.value for part in document.pmt_inf for one in part.cdt_trf_tx_inf]
        assert document.grp_hdr.ctrl_sum == sum(amounts)
        assert sum(amounts) * 100 == sum(order.amount_kopecks for order in batch)

    def test_of_a_russian_bank_are_read(self):
        deviations = Deviations()
        with (SAMPLES / "moov_pain.001.001.03_RUB.xml").open("rb") as file:
            (order,) = read_pain001(file, deviations)

        assert (order.amount_kopecks, order.payee.bic, order.payee.correspondent_account) == (
            100_000,
            "044525593",
            "10000000000000000001",
        )
        assert deviations.count == 0

    @pytest.mark.parametrize("name", ["moov_pain.001.001.03_SEPA.xml", "pyiso20022_pain001_001_08.xml"])
    def test_in_another_currency_are_grave(self, name):
        deviations = Deviations()
        with (SAMPLES / name).open("rb") as file:
            read_pain001(file, deviations)

        assert deviations.codes() == {"currency_differs"}
        assert deviations.grave_count == deviations.count

    def test_whose_total_was_changed_are_grave(self):
        content = _one()
        deviations = Deviations()

        read_pain001(BytesIO(content.replace(b"<CtrlSum>1.00<", b"<CtrlSum>1.01<")), deviations)

        assert [one.code for one in deviations.kept] == ["entry_sum_differs"] * 2


def _one() -> bytes:
    from tests.settlement.bank_messages.test_payment_order import ORDER

    return write_pain001([ORDER], message_id="M", created_at=NOW)


class TestStatuses:
    @given(
        st.lists(
            st.builds(
                lambda reference, code, reason: PaymentStatus(
                    reference=reference, state=STATES[code], status_code=code, reason=reason
                ),
                st.uuids().map(lambda one: one.hex),
                st.sampled_from(sorted(STATES)),
                st.none() | st.just("account_closed"),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def test_are_read_as_they_were_written(self, statuses):
        content = write_pain002(statuses, message_id="A", original_message_id="M-1", created_at=NOW)
        deviations = Deviations()

        found = read_pain002(BytesIO(content), deviations)

        assert (found.statuses, found.original_message_id, deviations.kept) == (statuses, "M-1", [])

    def test_that_are_unknown_conclude_nothing(self):
        status = PaymentStatus(reference="a", state=PaymentState.EXECUTED, status_code="ACSC")
        content = write_pain002([status], message_id="A", original_message_id="M-1", created_at=NOW)
        deviations = Deviations()

        found = read_pain002(BytesIO(content.replace(b"ACSC", b"XXXX")), deviations)

        assert [one.state for one in found.statuses] == [PaymentState.PENDING]
        assert deviations.grave_count == 1

    def test_of_no_message_are_refused(self):
        with pytest.raises(Problem) as refused:
            read_pain002(BytesIO(b"<Document/>"), Deviations())

        assert refused.value.code == "bank_message_must_be_readable"
