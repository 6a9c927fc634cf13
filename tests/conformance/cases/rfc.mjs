// The examples of the RFCs that are tokens. The payloads of RFC 7515 A.4, RFC 7520 4.1 to 4.3 and RFC 8037 A.4 are plain
// text, so nothing is a token there: malformed, which is judged before the signature. That those signatures hold is
// checked in tests/rfc_examples.rs.
import { signed, withSignature } from "../tokens.mjs";

const A2 = {
  name: "RFC 7515 A.2",
  key: {
    kty: "RSA",
    n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    e: "AQAB",
  },
  alg: "RS256",
  signature:
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
};

const A3 = {
  name: "RFC 7515 A.3",
  key: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  },
  alg: "ES256",
  signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
};

/** The payload of A.2 and A.3, byte for byte: its lines end with CR LF. */
const PAYLOAD = '{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}';
const CLAIMS = { iss: "joe", exp: 1300819380, "http://example.com/is_root": true };

export function groups(keys) {
  return [...[A2, A3].map(example), texts(keys)];
}

function example({ name, key, alg, signature }) {
  const token = withSignature({ alg }, PAYLOAD, Buffer.from(signature, "base64url"));
  const other = signature.endsWith("w") ? "g" : "A";
  return {
    name,
    options: { jwks: [key], issuer: "joe", audience: null, clockTolerance: 0 },
    cases: [
      { name: "before exp", token, now: 1300819379, expect: { claims: CLAIMS, header: { alg } } },
      { name: "at exp", token, now: 1300819380, expect: { code: "expired", claim: "exp", actual: 1300819380 } },
      {
        name: "another last character",
        token: token.slice(0, -1) + other,
        now: 1300819379,
        expect: { code: "bad_signature" },
      },
    ],
  };
}

function texts({ ed25519 }) {
  const header = { alg: "EdDSA" };
  const payloads = {
    "RFC 7515 A.4": "Payload",
    "RFC 7520 4":
      "It\u2019s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your feet, there\u2019s no knowing where you might be swept off to.",
    "RFC 8037 A.4": "Example of Ed25519 signing",
  };
  return {
    name: "payloads that are not JSON",
    options: { jwks: [ed25519.jwk], issuer: null, audience: null },
    cases: Object.entries(payloads).map(([name, payload]) => ({
      name,
      token: signed(ed25519, header, payload),
      expect: { code: "malformed" },
    })),
  };
}
