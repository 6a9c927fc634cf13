// Needs no more of the package than a class.
import { TokenError } from "tokenward";

globalThis.answer = TokenError.name;
