// What runs in each runtime: the times of those compared. Every verifier shows first that it accepts the good token and
// refuses the bad ones.
import { measure, slicer } from "./measure.mjs";

/**
 * The seconds of a call, by peer and round: `{ times, absent }`, where `absent` says why a peer could not be measured.
 * `mode`: "prepared" (the key was used before), "new key" (a verifier is made for each token), "seen before" (the token
 * was verified before, by a verifier that remembers).
 */
export async function compare(peers, { subject, mode, method }) {
  const contenders = [];
  const absent = {};
  for (const peer of peers.filter((peer) => takesPart(peer, mode, subject.algorithm))) {
    try {
      const verify = await makers[mode](peer, subject);
      await accepts(verify, subject.good);
      await refuses(peer, verify, subject);
      contenders.push({ name: peer.name, slice: slicer(verify, mode === "new key" || peer.asynchronous) });
    } catch (error) {
      if (error instanceof Careless || peer.name === "tokenward") throw error;
      absent[peer.name] = String(error.message ?? error);
    }
  }
  return { times: await measure(contenders, subject.good, method), absent };
}

function takesPart({ cannot = [], makeCached, unchecked }, mode, algorithm) {
  if (mode === "seen before") return makeCached !== undefined;
  return !cannot.includes(algorithm) && !(mode === "new key" && unchecked);
}

const makers = {
  prepared: (peer, subject) => peer.make(subject),
  "new key": (peer, subject) => async (token) => (await peer.make(subject))(token),
  "seen before": (peer, subject) => peer.makeCached(subject),
};

/** A verifier that does not verify is fast. */
class Careless extends Error {}

/** Twice, for memories. */
async function accepts(verify, token) {
  for (let time = 0; time < 2; time++) await verify(token);
}

async function refuses({ name, unchecked }, verify, { algorithm, forged, wrong }) {
  for (const [what, token] of Object.entries(unchecked ? forged : { ...forged, ...wrong })) {
    const refused = await Promise.resolve(token)
      .then(verify)
      .then(
        () => false,
        () => true,
      );
    if (!refused) throw new Careless(`${name} accepts ${what} (${algorithm}): its time would mean nothing.`);
  }
}
