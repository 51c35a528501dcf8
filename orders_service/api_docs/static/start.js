"use strict";
// Relative to the page, so that it works under whatever prefix a proxy puts in front.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: "none",
  queryConfigEnabled: false,
});
