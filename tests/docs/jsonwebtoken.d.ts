// As much of jsonwebtoken as the docs use: it brings no types of its own.
declare module "jsonwebtoken" {
  interface VerifyOptions {
    readonly algorithms?: readonly string[];
    readonly issuer?: string;
    readonly audience?: string;
  }
  const jwt: { verify(token: string, key: unknown, options?: VerifyOptions): unknown };
  export default jwt;
}
