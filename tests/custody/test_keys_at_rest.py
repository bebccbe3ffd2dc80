"""Keys at rest: nothing readable on the disk, clear codes when something is wrong with it."""

import asyncio
import stat

import pytest

from kapital.custody.adapters.master_key import KEY_FILE_NAME
from kapital.custody.adapters.software import SoftwareProvider
from kapital.custody.domain.problems import (
    KeyFileDamaged,
    KeyFileExposed,
    KeyFileMissing,
    KeyMaterialDamaged,
    PassphraseWrong,
    UnlockSourceDiffers,
)
from kapital.custody.domain.profiles import KeyProfile
from kapital.custody.ports import MadeKey

from .conftest import World
from .test_messages import ACT

MASTER = bytes(range(32))


class TestSealedForm:
    def test_opens_under_the_same_name_and_profile(self):
        provider = SoftwareProvider(MASTER)
        made = provider.make("operator", KeyProfile.OPERATOR)

        opened = SoftwareProvider(MASTER).open("operator", KeyProfile.OPERATOR, made)

        opened.public_key().verify(opened.sign(ACT), ACT)
        assert opened.public_key().public_bytes_raw() == made.public_key
        assert opened.private_bytes_raw() not in made.sealed

    def test_every_altered_byte_is_noticed(self):
        provider = SoftwareProvider(MASTER)
        made = provider.make("operator", KeyProfile.OPERATOR)

        for place in range(len(made.sealed)):
            altered = bytearray(made.sealed)
            altered[place] ^= 1
            with pytest.raises(KeyMaterialDamaged):
                provider.open("operator", KeyProfile.OPERATOR, MadeKey(made.public_key, bytes(altered)))

    def test_every_torn_length_is_noticed(self):
        provider = SoftwareProvider(MASTER)
        made = provider.make("operator", KeyProfile.OPERATOR)

        for length in range(len(made.sealed)):
            with pytest.raises(KeyMaterialDamaged):
                provider.open("operator", KeyProfile.OPERATOR, MadeKey(made.public_key, made.sealed[:length]))

    def test_a_row_cannot_be_given_the_secret_of_another(self):
        provider = SoftwareProvider(MASTER)
        made, other = (provider.make("operator", KeyProfile.OPERATOR) for _ in range(2))

        for name, profile, key in (
            ("issuer/1", KeyProfile.OPERATOR, made),
            ("operator", KeyProfile.ANCHOR, made),
            ("operator", KeyProfile.OPERATOR, MadeKey(other.public_key, made.sealed)),
        ):
            with pytest.raises(KeyMaterialDamaged):
                provider.open(name, profile, key)

    def test_another_master_key_opens_nothing(self):
        made = SoftwareProvider(MASTER).make("operator", KeyProfile.OPERATOR)

        with pytest.raises(KeyMaterialDamaged):
            SoftwareProvider(bytes(32)).open("operator", KeyProfile.OPERATOR, made)


class TestKeyFile:
    async def test_is_made_once_for_its_owner_only_and_opens_the_keys_again(self, world: World):
        made = await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
        path = world.data_dir / KEY_FILE_NAME

        signer = await world.restart().custody.signer("operator")

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_size == 32
        assert list(world.data_dir.iterdir()) == [path]
        assert signer.public_key == made.public_key

    async def test_two_first_starts_at_once_end_with_one_master_key(self, world: World):
        worlds = [world.restart() for _ in range(8)]

        await asyncio.gather(*(w.custody.provider() for w in worlds))
        keys = [await w.custody.ensure_key(f"k{n}", KeyProfile.OPERATOR) for n, w in enumerate(worlds)]

        after = world.restart()
        for key in keys:
            assert (await after.custody.signer(key.name)).public_key == key.public_key

    async def test_a_missing_file_is_not_replaced(self, world: World):
        await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
        (world.data_dir / KEY_FILE_NAME).unlink()

        with pytest.raises(KeyFileMissing):
            await world.restart().custody.signer("operator")
        assert not (world.data_dir / KEY_FILE_NAME).exists()

    @pytest.mark.parametrize(
        ("content", "mode", "refused"),
        [
            (b"", 0o600, KeyFileDamaged),
            (bytes(31), 0o600, KeyFileDamaged),
            (bytes(33), 0o600, KeyFileDamaged),
            (bytes(32), 0o600, PassphraseWrong),
            (None, 0o640, KeyFileExposed),
            (None, 0o604, KeyFileExposed),
        ],
    )
    async def test_a_file_that_is_not_right_has_its_own_code(self, world: World, content, mode, refused):
        await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
        path = world.data_dir / KEY_FILE_NAME
        if content is not None:
            path.write_bytes(content)
        path.chmod(mode)

        with pytest.raises(refused):
            await world.restart().custody.signer("operator")


class TestPassphrase:
    async def test_opens_the_keys_again(self, world: World):
        first = world.restart(passphrase="три слова из книги")
        made = await first.custody.ensure_key("operator", KeyProfile.OPERATOR)

        signer = await first.restart().custody.signer("operator")

        assert signer.public_key == made.public_key
        assert not world.data_dir.exists()

    async def test_a_wrong_one_is_told_and_the_right_one_still_works(self, world: World):
        first = world.restart(passphrase="right")
        await first.custody.ensure_key("operator", KeyProfile.OPERATOR)

        wrong = first.restart(passphrase="Right")
        with pytest.raises(PassphraseWrong) as refused:
            await wrong.custody.signer("operator")
        assert refused.value.code == "custody_passphrase_wrong"
        with pytest.raises(PassphraseWrong):
            await wrong.custody.ensure_key("other", KeyProfile.OPERATOR)

        assert await first.restart(passphrase="right").custody.signer("operator")

    async def test_keys_locked_one_way_are_not_opened_the_other(self, world: World):
        await world.custody.ensure_key("operator", KeyProfile.OPERATOR)

        with pytest.raises(UnlockSourceDiffers):
            await world.restart(passphrase="right").custody.signer("operator")


async def test_a_key_altered_in_the_database_has_its_own_code(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    await world.rows("UPDATE key SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)")

    with pytest.raises(KeyMaterialDamaged):
        await world.restart().custody.signer("operator")
