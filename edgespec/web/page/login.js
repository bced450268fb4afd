// The form that asks for a token, where the server wants one.
import { post } from "/static/api.js";
import { byId } from "/static/element.js";

/** Show the form instead of everything else; `entered` is called when the token was right. */
export function askToken(entered) {
  byId("login").hidden = false;
  byId("watch").hidden = true;
  byId("token").focus();
  byId("login-form").onsubmit = async (event) => {
    event.preventDefault();
    const token = byId("token").value;
    byId("token").value = "";
    try {
      await post("/api/login", { token });
      byId("login-said").textContent = "";
      byId("login").hidden = true;
      byId("watch").hidden = false;
      await entered();
    } catch (error) { byId("login-said").textContent = error.message; }
  };
}
