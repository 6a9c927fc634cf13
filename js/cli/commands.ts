/** Every command: what it is for, what it takes, and what runs. The help is made from this table. */
import type { OptionSpecs } from "./arguments.js";
import { fetchBundle } from "./bundle.js";
import { doctor } from "./doctor.js";
import { inspect } from "./inspect.js";
import { checkKeys, diffKeys } from "./keys.js";
import { CLAIM_OPTIONS, ID_TOKEN_OPTIONS, KEY_OPTIONS, NETWORK_OPTIONS, TOKEN_OPTIONS } from "./sources.js";
import type { ExitCode, Run } from "./types.js";
import { verify } from "./verify.js";

export interface Command {
  readonly summary: string;
  /** What may follow without an option's name, and how many of it. */
  readonly takes: string;
  readonly most: number;
  readonly about: string;
  readonly options: OptionSpecs;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** What 0 and 1 mean. */
  readonly exits: readonly [yes: string, no: string];
  readonly run: (run: Run) => Promise<ExitCode>;
}

/** Of every command. */
export const COMMON_OPTIONS: OptionSpecs = {
  json: { help: "one JSON object for programs, errors too" },
  "show-tokens": { help: "print tokens that stand in claims or messages, in place of [token]" },
  help: { short: "h", help: "this text" },
};

const ISSUER: OptionSpecs = { issuer: { value: "URL", short: "i", help: "the issuer whose metadata name the keys" } };

const ABOUT_TOKENS =
  "The token is the argument, a file (--file) or the standard input, which is best: other programs of this machine can\n" +
  "read arguments, and shells keep them. It is never printed.";

export const COMMANDS: { readonly [name: string]: Command } = {
  verify: {
    summary: "verify a token",
    takes: "[token]",
    most: 1,
    about: `Says whether a token holds, or the first thing that is wrong with it.\n${ABOUT_TOKENS}`,
    options: {
      ...TOKEN_OPTIONS,
      ...KEY_OPTIONS,
      ...CLAIM_OPTIONS,
      ...ID_TOKEN_OPTIONS,
      "any-issuer": { help: "whatever the iss" },
      "any-audience": { help: "whatever the aud" },
      ...NETWORK_OPTIONS,
    },
    examples: [
      ['echo "$TOKEN" | npx tokenward verify --issuer https://login.example --audience my-app', "keys of the issuer"],
      [
        'npx tokenward verify --file id-token.txt -i https://login.example -a my-app --profile id_token --nonce "$NONCE"',
        "an ID token",
      ],
      ["npx tokenward verify --file token.txt --keys jwks.json --any-issuer --any-audience", "keys in a file"],
    ],
    exits: ["the token holds", "it is refused"],
    run: verify,
  },
  inspect: {
    summary: "explain a token, and how it would be judged",
    takes: "[token]",
    most: 1,
    about: `Shows what a token says, which anybody may have written. Only with --keys or --issuer is it verified.\n${ABOUT_TOKENS}`,
    options: { ...TOKEN_OPTIONS, ...KEY_OPTIONS, ...CLAIM_OPTIONS, ...NETWORK_OPTIONS },
    examples: [
      ['echo "$TOKEN" | npx tokenward inspect', "what it says"],
      [
        'echo "$TOKEN" | npx tokenward inspect --issuer https://login.example --audience my-app',
        "and whether it holds",
      ],
    ],
    exits: ["nothing speaks against the token", "it would be refused"],
    run: inspect,
  },
  "keys fetch": {
    summary: "an issuer's keys as a file to commit",
    takes: "[URL of a key set]",
    most: 1,
    about:
      "Writes the keys that can verify tokens, with where and when they were fetched, and their thumbprints (RFC 7638).\n" +
      "The file is left as it is when it has these keys already, unless --renew is given. SOURCE_DATE_EPOCH stands for the\n" +
      "clock where it is set.",
    options: {
      ...ISSUER,
      out: { value: "path", short: "o", help: "the file; without it, the standard output" },
      renew: { help: "write the file also when the keys are the same, with the date of now" },
      ...NETWORK_OPTIONS,
    },
    examples: [
      ["npx tokenward keys fetch --issuer https://login.example --out jwks.json", ""],
      ["npx tokenward keys fetch --issuer https://login.example --out jwks.json --renew", "also if they are the same"],
      ["npx tokenward keys fetch https://login.example/jwks > jwks.json", ""],
    ],
    exits: ["there are keys", "no key can verify a token; nothing is written"],
    run: fetchBundle,
  },
  "keys check": {
    summary: "whether each key of a set can serve",
    takes: "[path or URL of a key set]",
    most: 1,
    about: "Lists the keys with their thumbprints: weak, invalid and secret ones, and those that share a kid.",
    options: { ...ISSUER, ...NETWORK_OPTIONS },
    examples: [
      ["npx tokenward keys check jwks.json", ""],
      ["npx tokenward keys check --issuer https://login.example", ""],
    ],
    exits: ["every key that is for tokens can serve", "there are problems"],
    run: checkKeys,
  },
  "keys diff": {
    summary: "what has changed between two key sets",
    takes: "<path or URL> [path or URL]",
    most: 2,
    about: "Compares keys by their thumbprints: in CI it says that a bundle is out of date.",
    options: { ...ISSUER, ...NETWORK_OPTIONS },
    examples: [["npx tokenward keys diff jwks.json --issuer https://login.example", ""]],
    exits: ["the keys are the same", "they differ"],
    run: diffKeys,
  },
  doctor: {
    summary: "whether an app can work with an issuer",
    takes: "<issuer>",
    most: 1,
    about:
      "Looks at discovery, keys, algorithms, refresh, revocation, PKCE, CORS and the clock, and prints the configuration\nto copy.",
    options: {
      origin: { value: "URL", help: "of your app, for CORS: https://app.example unless you say otherwise" },
      ...NETWORK_OPTIONS,
    },
    examples: [["npx tokenward doctor https://login.example --origin https://app.example", ""]],
    exits: ["nothing stands in the way", "there are problems"],
    run: doctor,
  },
};
