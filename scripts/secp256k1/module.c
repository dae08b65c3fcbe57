/* The face of libsecp256k1 towards JavaScript: one struct of arguments and results in the module's memory, and functions
 * without parameters, so that no pointer crosses the border. Every operation on a secret is libsecp256k1's constant-time one.
 * The caller zeroes the struct and the stack after each call; order and size of the fields are those of the offsets in
 * packages/noise/src/wasm-ec.ts. */
#include <stddef.h>
#include "secp256k1.h"
#include "secp256k1_ellswift.h"
#include "secp256k1_extrakeys.h"
#include "secp256k1_preallocated.h"
#include "secp256k1_schnorrsig.h"

#define EXPORT(name) __attribute__((export_name(#name)))
/* The crate puts its version in front of every symbol. */
#define S(name) rustsecp256k1_v0_10_0_##name

/* There is no C library. -fno-builtin keeps the compiler from turning these loops into calls of themselves. */
void *memcpy(void *to, const void *from, size_t n) {
    unsigned char *t = to;
    const unsigned char *f = from;
    while (n--) *t++ = *f++;
    return to;
}
void *memset(void *to, int value, size_t n) {
    unsigned char *t = to;
    while (n--) *t++ = (unsigned char)value;
    return to;
}
int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    for (; n--; x++, y++) {
        if (*x != *y) return *x - *y;
    }
    return 0;
}
size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

/* A broken contract is a bug of ours: the instance traps, and JavaScript throws. */
void S(default_illegal_callback_fn)(const char *message, void *data) {
    (void)message, (void)data;
    __builtin_trap();
}
void S(default_error_callback_fn)(const char *message, void *data) {
    (void)message, (void)data;
    __builtin_trap();
}

static struct {
    unsigned char secret[32];
    unsigned char random[32];
    unsigned char ours[64];
    unsigned char theirs[64];
    unsigned char message[32];
    unsigned char public_key[32];
    unsigned char out[64];
} io;

static unsigned char context_memory[1024] __attribute__((aligned(16)));
static S(context) *context;

EXPORT(io) unsigned char *io_address(void) { return (unsigned char *)&io; }

/* Blinds the context with `random`; the first call makes it. */
EXPORT(randomize) int randomize(void) {
    if (context == NULL) {
        if (S(context_preallocated_size)(SECP256K1_CONTEXT_NONE) > sizeof context_memory) return 0;
        context = S(context_preallocated_create)(context_memory, SECP256K1_CONTEXT_NONE);
    }
    return S(context_randomize)(context, io.random);
}

/* secret, random -> out (64) */
EXPORT(ellswift_create) int ellswift_create(void) {
    return S(ellswift_create)(context, io.out, io.secret, io.random);
}

/* secret, ours, theirs -> out (32): BIP324's shared secret; party A is the initiator. */
static int shared_secret(const unsigned char *a, const unsigned char *b, int party) {
    return S(ellswift_xdh)(context, io.out, a, b, io.secret, party, S(ellswift_xdh_hash_function_bip324), NULL);
}
EXPORT(ellswift_xdh_initiator) int ellswift_xdh_initiator(void) { return shared_secret(io.ours, io.theirs, 0); }
EXPORT(ellswift_xdh_responder) int ellswift_xdh_responder(void) { return shared_secret(io.theirs, io.ours, 1); }

static int store_x_only(const S(pubkey) *key) {
    S(xonly_pubkey) x_only;
    return S(xonly_pubkey_from_pubkey)(context, &x_only, NULL, key) &&
           S(xonly_pubkey_serialize)(context, io.out, &x_only);
}

/* theirs -> out (32) */
EXPORT(ellswift_decode) int ellswift_decode(void) {
    S(pubkey) key;
    return S(ellswift_decode)(context, &key, io.theirs) && store_x_only(&key);
}

/* secret -> out (32) */
EXPORT(x_only_public_key) int x_only_public_key(void) {
    S(pubkey) key;
    return S(ec_pubkey_create)(context, &key, io.secret) && store_x_only(&key);
}

/* message, secret, random -> out (64) */
EXPORT(schnorr_sign) int schnorr_sign(void) {
    S(keypair) pair;
    return S(keypair_create)(context, &pair, io.secret) &&
           S(schnorrsig_sign32)(context, io.out, io.message, &pair, io.random);
}

/* theirs (signature), message, public_key -> 1 or 0 */
EXPORT(schnorr_verify) int schnorr_verify(void) {
    S(xonly_pubkey) key;
    return S(xonly_pubkey_parse)(context, &key, io.public_key) &&
           S(schnorrsig_verify)(context, io.theirs, io.message, sizeof io.message, &key);
}
