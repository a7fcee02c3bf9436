// The code that a phone shows: RFC 6238 with SHA-1, six digits. seed: in hexadecimal.
import { createHmac } from "node:crypto";

export function codeAt(seed, ms) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30_000)));
  const hash = createHmac("sha1", Buffer.from(seed, "hex")).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
