export default function Page() {
  return <p>This page is for everybody; /api/me is not.</p>;
}
