"""Binding to the system's libcrypto with the GOST engine, in this process, without a compiler (cffi, ABI mode).

`cryptography` carries an OpenSSL of its own, built without engines, so it cannot verify GOST R 34.10-2012. The
system's libcrypto is opened beside it. The engine is loaded and registered from here: neither OPENSSL_CONF nor any
other part of the user's environment is read or changed, and only its key methods and digests become defaults – no
cipher, no random generator. cffi releases the GIL for the length of each call.

Not: usable with OpenSSL 4, which has no engines.
"""

import ctypes.util
import sys
import threading
from typing import Any, Final

import cffi

from kapital.platform.signatures.problems import GostEngineMissing, LibcryptoMissing

ffi: Final = cffi.FFI()
ffi.cdef("""
typedef struct engine_st ENGINE; typedef struct evp_md_st EVP_MD; typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_pkey_st EVP_PKEY; typedef struct evp_pkey_ctx_st EVP_PKEY_CTX; typedef struct x509_st X509;
typedef struct x509_store_st X509_STORE; typedef struct x509_store_ctx_st X509_STORE_CTX;
typedef struct x509_vpm_st X509_VERIFY_PARAM; typedef struct stack_st OPENSSL_STACK;
int OPENSSL_init_crypto(uint64_t opts, const void *settings); unsigned long OpenSSL_version_num(void);
void ERR_clear_error(void); unsigned long ERR_peek_error(void); void CRYPTO_free(void *p, const char *f, int l);
ENGINE *ENGINE_by_id(const char *id); int ENGINE_init(ENGINE *e);
int ENGINE_set_default(ENGINE *e, unsigned int flags); int ENGINE_free(ENGINE *e);
const EVP_MD *EVP_get_digestbyname(const char *name);
EVP_MD_CTX *EVP_MD_CTX_new(void); void EVP_MD_CTX_free(EVP_MD_CTX *c);
int EVP_Digest(const void *d, size_t n, unsigned char *md, unsigned int *size, const EVP_MD *t, ENGINE *e);
int EVP_DigestVerifyInit(EVP_MD_CTX *c, EVP_PKEY_CTX **p, const EVP_MD *t, ENGINE *e, EVP_PKEY *k);
int EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *s, size_t sn, const unsigned char *t, size_t tn);
int EVP_DigestSignInit(EVP_MD_CTX *c, EVP_PKEY_CTX **p, const EVP_MD *t, ENGINE *e, EVP_PKEY *k);
int EVP_DigestSign(EVP_MD_CTX *c, unsigned char *s, size_t *sn, const unsigned char *t, size_t tn);
EVP_PKEY *d2i_PUBKEY(EVP_PKEY **a, const unsigned char **pp, long n); int i2d_PUBKEY(EVP_PKEY *a, unsigned char **pp);
EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **a, const unsigned char **pp, long n);
void EVP_PKEY_free(EVP_PKEY *k); int EVP_PKEY_get_bits(const EVP_PKEY *k);
int OBJ_txt2nid(const char *s);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_id(int id, ENGINE *e); void EVP_PKEY_CTX_free(EVP_PKEY_CTX *c);
int EVP_PKEY_keygen_init(EVP_PKEY_CTX *c); int EVP_PKEY_keygen(EVP_PKEY_CTX *c, EVP_PKEY **k);
int EVP_PKEY_CTX_ctrl_str(EVP_PKEY_CTX *c, const char *t, const char *v);
X509 *d2i_X509(X509 **a, const unsigned char **pp, long n); int i2d_X509(X509 *a, unsigned char **pp);
void X509_free(X509 *a);
X509_STORE *X509_STORE_new(void); void X509_STORE_free(X509_STORE *s);
int X509_STORE_add_cert(X509_STORE *s, X509
*x); X509_STORE_CTX *X509_STORE_CTX_new(void); void X509_STORE_CTX_free(X509_STORE_CTX *c);
int X509_STORE_CTX_init(X509_STORE_CTX *c, X509_STORE *s, X509 *x, OPENSSL_STACK *chain);
X509_VERIFY_PARAM *X509_STORE_CTX_get0_param(X509_STORE_CTX *c);
int X509_VERIFY_PARAM_set_flags(X509_VERIFY_PARAM *p, unsigned long f);
void X509_VERIFY_PARAM_set_depth(X509_VERIFY_PARAM *p, int d);
int X509_verify_cert(X509_STORE_CTX *c); int X509_STORE_CTX_get_error(X509_STORE_CTX *c);
const char *X509_verify_cert_error_string(long n);
OPENSSL_STACK *X509_STORE_CTX_get0_chain(X509_STORE_CTX *c);
OPENSSL_STACK *OPENSSL_sk_new_null(void); int OPENSSL_sk_push(OPENSSL_STACK *s, const void *d);
int OPENSSL_sk_num(const OPENSSL_STACK *s); void *OPENSSL_sk_value(const OPENSSL_STACK *s, int i);
void OPENSSL_sk_free(OPENSSL_STACK *s);
""")

_MAJOR: Final = 3
_INIT_NO_CONFIG: Final = 0x80
_INIT_ENGINE_DYNAMIC: Final = 0x400
_DIGESTS_AND_KEYS: Final = 0x80 | 0x200 | 0x400
_ENGINE: Final = b"gost"

_lock: Final = threading.Lock()
_loaded: dict[str, Any] = {}


def lib() -> Any:
    """The opened libcrypto. Raises: LibcryptoMissing."""
    opened = _loaded.get("lib")
    return opened if opened is not None else _open()


def gost() -> Any:
    """The opened libcrypto with the GOST engine at work in it. Raises: LibcryptoMissing, GostEngineMissing."""
    if "gost" not in _loaded:
        _load_engine(lib())
    return _loaded["lib"]


def has_libcrypto() -> bool:
    """Whether signatures can be verified here at all."""
    try:
        lib()
    except LibcryptoMissing:
        return False
    return True


def has_gost() -> bool:
    """Whether GOST R 34.10-2012 can be verified here; False also where libcrypto itself is missing."""
    try:
        gost()
    except (LibcryptoMissing, GostEngineMissing):
        return False
    return True


def _open() -> Any:
    with _lock:
        if "lib" in _loaded:
            return _loaded["lib"]
        name = _library_name()
        try:
            opened: Any = ffi.dlopen(name)
            version = opened.OpenSSL_version_num() >> 28
        except (OSError, AttributeError) as error:
            raise LibcryptoMissing(facts={"library": name}) from error
        if version != _MAJOR:
            raise LibcryptoMissing(f"{name} is of OpenSSL {version}, {_MAJOR} is needed", {"library": name})
        # The configuration file of the machine belongs to other programs and could switch algorithms under us.
        opened.OPENSSL_init_crypto(_INIT_NO_CONFIG | _INIT_ENGINE_DYNAMIC, ffi.NULL)
        _loaded["lib"] = opened
        return opened


def _library_name() -> str:
    if sys.platform == "darwin":
        # Its own «crypto» is no OpenSSL, and whoever opens it without a version is ended by the system.
        return ctypes.util.find_library(f"crypto.{_MAJOR}") or f"libcrypto.{_MAJOR}.dylib"
    return ctypes.util.find_library("crypto") or f"libcrypto.so.{_MAJOR}"


def _load_engine(opened: Any) -> None:
    with _lock:
        if "gost" in _loaded:
            return
        engine = opened.ENGINE_by_id(_ENGINE)
        ready = engine != ffi.NULL and opened.ENGINE_init(engine) == 1
        if not ready or opened.ENGINE_set_default(engine, _DIGESTS_AND_KEYS) != 1:
            opened.ERR_clear_error()
            raise GostEngineMissing
        opened.ERR_clear_error()
        _loaded["gost"] = engine  # Kept for the life of the process: keys hold pointers into it.
