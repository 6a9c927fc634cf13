// As much of Express as the docs use: it brings no types of its own. tokenward/express adds to its requests.
declare module "express" {
  interface Response {
    send(body: unknown): void;
    json(body: unknown): void;
  }
  interface App {
    use(handler: (request: never, response: never, next: () => void) => void): void;
    get(path: string, handler: (request: Express.Request, response: Response) => void): void;
  }
  export default function express(): App;
}
