/** Pages are prerendered as far as they can be; what needs the request or the time stands in a Suspense boundary. */
export default { cacheComponents: true };
