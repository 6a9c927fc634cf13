// A provider that never forgives: each refresh token serves once, and its second use ends the family.
import { RefreshRejected } from "tokenward/providers";
import { KEY } from "./tokens.mjs";

export function strictProvider() {
  const families = [];
  const provider = {
    families,
    asked: [],
    /** What an answer waits for on its way. */
    delay: Promise.resolve(),
    token: KEY.token,
    signIn(sub) {
      families.push({ sub, serial: 0, ended: false });
      return provider.answer(families.length - 1);
    },
    answer(id) {
      const { sub, serial } = families[id];
      return { access_token: provider.token({ sub }), refresh_token: `${id}.${serial}`, expires_in: 900 };
    },
    async refresh({ refresh_token }) {
      provider.asked.push(refresh_token);
      const [id, serial] = refresh_token.split(".").map(Number);
      const family = families[id];
      const { delay } = provider;
      if (family.ended || family.serial !== serial) {
        family.ended = true;
        await delay;
        throw new RefreshRejected("invalid_grant", "used or revoked");
      }
      family.serial++;
      const answer = provider.answer(id);
      await delay;
      return answer;
    },
    revoke({ refresh_token }) {
      families[Number(refresh_token.split(".")[0])].ended = true;
      return Promise.resolve();
    },
  };
  return provider;
}
